"""Flag before environment before config file before default."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest

from convoy_core import InvalidOption
from convoy_tui.cli.config_path import config_path
from convoy_tui.cli.settings import Settings, resolve
from tests.cli.conftest import Convoy
from tests.servers import RealServer

CONFIG = """
default_profile = "home"

[profiles.home]
url = "redis://home"

[profiles.prod]
url = "redis://prod"
prefix = "prod:"
environment = "production"
read_only = true
"""


@pytest.fixture
def config() -> Path:
    """The user's config file, with two profiles."""
    path = config_path()
    path.parent.mkdir(parents=True)
    path.write_text(CONFIG)
    return path


def test_without_any_setting_the_core_decides() -> None:
    assert resolve({}) == Settings()


@pytest.mark.usefixtures("config")
def test_a_flag_comes_before_the_environment_before_the_file() -> None:
    environ = {"CONVOY_REDIS_URL": "redis://environment"}

    assert resolve({}).url == "redis://home"
    assert resolve(environ).url == "redis://environment"
    assert resolve(environ, redis="redis://flag").url == "redis://flag"


@pytest.mark.usefixtures("config")
def test_a_profile_on_the_command_line_is_a_flag() -> None:
    environ = {"CONVOY_REDIS_URL": "redis://environment", "CONVOY_PREFIX": "e:"}

    settings = resolve(environ, profile="prod")

    assert settings == Settings("redis://prod", "prod:", "production", True, "profile prod")


@pytest.mark.usefixtures("config")
def test_a_profile_of_the_environment_is_not() -> None:
    settings = resolve({"CONVOY_PROFILE": "prod", "CONVOY_REDIS_URL": "redis://environment"})

    assert (settings.url, settings.prefix) == ("redis://environment", "prod:")


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({}, "profile prod"),
        ({"CONVOY_READ_ONLY": ""}, "profile prod"),
        ({"CONVOY_READ_ONLY": "0"}, ""),
        ({"CONVOY_READ_ONLY": "no"}, ""),
        ({"CONVOY_READ_ONLY": "1"}, "CONVOY_READ_ONLY"),
        ({"CONVOY_READ_ONLY": "TRUE"}, "CONVOY_READ_ONLY"),
    ],
)
def test_what_makes_it_read_only_is_known(environ: dict[str, str], reason: str) -> None:
    assert resolve(environ, profile="prod").read_only_because == reason


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("profiles = 3", "profiles"),
        ("profile = {}", "'profile' at the top"),
        (
            "default_profile='x'\n[profiles.x]\nurll = 'a'",
            "'urll' in \\[profiles.x\\]; known there: environment, jam_after, operator, prefix, read_only, url",
        ),
        ("default_profile='x'\n[profiles.x]\nread_only = 'yes'", "true or false"),
        ("default_profile='x'\n[profiles.x]\nurl = 3", "text for 'url'"),
        ("default_profile='x'\n[profiles]\nx = 1", "a table"),
        ("[", "cannot be read"),
        ("default_profile = 'gone'", "no profile 'gone', which default_profile asks for"),
    ],
)
def test_a_config_file_that_makes_no_sense_is_refused_by_name(config: Path, text: str, says: str) -> None:
    config.write_text(text)

    with pytest.raises(InvalidOption, match=says):
        resolve({})


def test_a_profile_says_from_when_on_a_run_is_jammed(
    convoy: Convoy, config: Path, run_since: Callable[..., None]
) -> None:
    config.write_text('[profiles.slow]\njam_after = "30m"\n')
    run_since("1", age_s=600)

    jammed = [
        convoy.json(*words)["queues"][0]["jammed"]
        for words in (
            ["status"],
            ["status", "--profile", "slow"],
            ["status", "--profile", "slow", "--jam-after", "9m"],
        )
    ]

    assert jammed == [1, 0, 1]


def test_an_unknown_profile_names_the_known_ones(convoy: Convoy, config: Path) -> None:
    result = convoy("status", "--profile", "pord")

    assert result.exit_code == 2
    assert f"There is no profile 'pord', which --profile asks for, in {config}; it has: home, prod." in result.stderr


BROKEN = """
[profiles.unknown]
urll = "redis://a"

[profiles.kind]
url = 3

[profiles.scheme]
url = "http://a"

[profiles.prefix]
prefix = "a b"

[profiles.limit]
jam_after = "soon"

[profiles.whole]
url = "redis://whole"
"""
BROKEN_PROFILES = [
    (
        "unknown",
        "has 'urll' in [profiles.unknown]; known there: environment, jam_after, operator, prefix, read_only, url.",
    ),
    ("kind", "needs text for 'url' in [profiles.kind]."),
    ("scheme", "profile scheme in {config}: The store URL starts with no known scheme"),
    ("prefix", "profile prefix in {config}: 'a b' is no key prefix"),
    ("limit", "profile limit in {config}: 'soon' is no"),
]


def test_a_broken_profile_harms_nobody_who_does_not_ask_for_it(convoy: Convoy, config: Path) -> None:
    config.write_text(BROKEN)

    assert resolve({}) == Settings()
    assert resolve({}, profile="whole").url == "redis://whole"
    assert resolve({"CONVOY_PROFILE": "whole"}).url == "redis://whole"
    assert convoy("status").exit_code == 0


@pytest.mark.parametrize(("profile", "says"), BROKEN_PROFILES)
def test_a_broken_profile_is_named_to_those_who_ask_for_it(
    convoy: Convoy, config: Path, profile: str, says: str
) -> None:
    config.write_text(BROKEN)

    result = convoy("status", "--profile", profile)

    assert result.exit_code == 2
    assert says.format(config=config) in result.stderr
    assert str(config) in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_broken_config_file_is_one_sentence_with_its_line(convoy: Convoy, config: Path) -> None:
    config.write_text("[profiles.x]\nurl = 'redis://a'\nurl 3\n")

    result = convoy("status")

    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert result.stderr.startswith(f"convoy: The config file {config} cannot be read: ")
    assert "(at line 3, column 5)" in result.stderr


@pytest.mark.parametrize(
    ("args", "env", "says"),
    [
        (["--redis", "foo"], {}, "--redis: The store URL starts with no known scheme"),
        ([], {"CONVOY_REDIS_URL": "foo"}, "CONVOY_REDIS_URL: The store URL starts with no known scheme"),
        (["--prefix", "a b"], {}, "--prefix: 'a b' is no key prefix"),
        ([], {"CONVOY_PREFIX": "a b"}, "CONVOY_PREFIX: 'a b' is no key prefix"),
        ([], {"CONVOY_PROFILE": "gone"}, "There is no profile 'gone', which CONVOY_PROFILE asks for, in "),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_where_it_was_given(
    convoy: Convoy, args: list[str], env: dict[str, str | None], says: str
) -> None:
    result = convoy("status", *args, env=env)

    assert (result.exit_code, result.stderr.startswith(f"convoy: {says}")) == (2, True)


def test_nonsense_in_the_environment_is_refused(convoy: Convoy) -> None:
    assert convoy("status", env={"CONVOY_READ_ONLY": "perhaps"}).exit_code == 2


def test_flags_stand_before_and_after_the_command(store: RealServer, convoy: Convoy) -> None:
    none: dict[str, str | None] = {"CONVOY_REDIS_URL": "redis://localhost:1"}

    assert convoy("--redis", store.url, "--prefix", "x:", "publish", "trucks", "1", env=none).exit_code == 0
    assert convoy("list", "trucks", "--redis", store.url, "--prefix", "x:", "-o", "ids", env=none).stdout == "1\n"
    assert convoy("--redis", "redis://localhost:2", "list", "trucks", "--redis", store.url).exit_code == 3


def test_the_environment_label_is_said(convoy: Convoy, config: Path) -> None:
    config.write_text(f'[profiles.prod]\nurl = "{convoy.url}"\nenvironment = "production"')

    assert "(production)" in convoy("status", "--profile", "prod").stderr


@pytest.mark.parametrize("given", [None, "", "/etc/mine", "relative"])
def test_the_config_file_is_where_platformdirs_says(given: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if given is not None:
        monkeypatch.setenv("XDG_CONFIG_HOME", given)

    assert config_path() == platformdirs.user_config_path("convoy") / "config.toml"
