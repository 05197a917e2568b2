"""Tab in bash, zsh and fish: names of queues and profiles are completed, whatever they hold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tests.cli.conftest import Convoy
from tests.waiting import patient

ODD = ["two words", "it's", 'a"b', "$(exit)", "\\$(exit)", "`exit`", "*", "-x", "a;b", "~", "a,b", "=ls"]
"""Names of Node's that a shell would take apart, expand or run."""


def shell(convoy: Convoy, program: str, *command: str) -> str:
    """What a shell prints that finds our `convoy` first."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]} here")
    folder = Path(os.environ["HOME"]) / "bin"
    folder.mkdir(exist_ok=True)
    ours = folder / "convoy"
    ours.write_text(f'#!/bin/sh\nexec {sys.executable} -m convoy_tui.cli "$@"\n')
    ours.chmod(0o755)
    environment = {**os.environ, **convoy.environment, "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(
        [*command, program], env=environment, capture_output=True, text=True, timeout=patient(), check=False
    )
    assert done.stderr == ""
    return done.stdout


def bash(convoy: Convoy, *words: str) -> list[str]:
    """What bash offers for the last of these words, split as it does."""
    typed = " ".join(f"'{word}'" for word in words)
    program = f"""
source <(convoy --show-completion bash)
COMP_WORDS=({typed}) COMP_CWORD={len(words) - 1}
_convoy_completion convoy
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    return shell(convoy, program, "bash", "--norc", "-c").split()


@pytest.fixture
def queues(convoy: Convoy, raw: redis.Redis) -> None:
    """Some of ours, and some that only another client could name so."""
    for name in ("mail:in", "mail:out:late", "mail", "monsterTrucks", "{tag}.x", *ODD):
        raw.rpush(f"cv:{name}:queued", "1")


@pytest.mark.usefixtures("queues")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["status", "mon"], ["monsterTrucks"]),
        (["status", "mail"], ["mail", "mail:in", "mail:out:late"]),
        (["status", "mail", ":"], ["in", "out:late"]),
        (["status", "mail", ":", "o"], ["out:late"]),
        (["status", "mail", ":", "out", ":"], ["late"]),
        (["status", "mail", "monster"], ["monsterTrucks"]),
        (["list", "mail", ":", "i"], ["in"]),
        (["list", "mail", "--state", "fa"], ["failed"]),
        (["list", "mail", "--state", "=", "fa"], ["failed"]),
        (["list", "mail", ":", "in", "--state", "de"], ["delayed"]),
        (["stat"], ["status"]),
    ],
    ids=" ".join,
)
def test_bash_completes_words_that_it_has_split(convoy: Convoy, words: list[str], offered: list[str]) -> None:
    assert bash(convoy, "convoy", *words) == offered


@pytest.mark.usefixtures("queues")
def test_bash_completes_at_the_store_of_a_url_that_it_has_split(convoy: Convoy) -> None:
    scheme, _, rest = convoy.url.partition(":")
    convoy.environment["CONVOY_REDIS_URL"] = "redis://localhost:1"

    assert bash(convoy, "convoy", "--redis", scheme, ":", rest, "status", "mon") == ["monsterTrucks"]
    assert bash(convoy, "convoy", "--redis", "=", scheme, ":", rest, "status", "mon") == ["monsterTrucks"]


@pytest.mark.usefixtures("queues")
def test_fish_completes_names_of_queues(convoy: Convoy) -> None:
    program = 'convoy --show-completion fish | source; complete -C "convoy status mail:"'

    assert shell(convoy, program, "fish", "--no-config", "-c").split() == ["mail:in", "mail:out:late"]


@pytest.mark.usefixtures("queues")
@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_no_shell_is_offered_a_name_that_it_would_take_apart_or_run(convoy: Convoy, name: str) -> None:
    words = {"COMP_WORDS": "convoy\nstatus\n", "COMP_CWORD": "2", "_TYPER_COMPLETE_ARGS": "convoy status "}
    typed = {"_CONVOY_COMPLETE": f"complete_{name}", "_TYPER_COMPLETE_FISH_ACTION": "get-args", **words}

    offered = convoy.process(env=typed).stdout.decode()

    plain = ["mail", "mail:in", "mail:out:late", "monsterTrucks", "{tag}.x"]
    text = offered.replace("\\\\:", ":") if name == "zsh" else offered
    assert [each for each in plain if each not in text] == []
    assert [each for each in ODD[:6] if each in text] == []
    assert len(offered.split("\n")) in (len(plain), len(plain) + 1)


def test_profiles_are_completed(convoy: Convoy) -> None:
    path = Path(os.environ["HOME"], ".config", "convoy", "config.toml")
    path.parent.mkdir(parents=True)
    path.write_text("[profiles.here]\n[profiles.prod]\n[profiles.'pro d']\n")

    assert bash(convoy, "convoy", "--profile", "") == ["here", "prod"]
    assert bash(convoy, "convoy", "status", "--profile", "p") == ["prod"]

    path.write_text("nonsense")
    assert bash(convoy, "convoy", "--profile", "") == []
