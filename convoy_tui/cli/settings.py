"""The settings of a command: flag > environment > user config file > default.

A profile named on the command line counts as a flag: its URL has precedence over that of the environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from convoy_core import InvalidInput, InvalidOption, Operator, check_prefix
from convoy_tui.cli.config_path import config_path
from convoy_tui.text.words import parse_duration

if TYPE_CHECKING:
    from convoy_core import StoreDescription

_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


@dataclass(frozen=True, slots=True)
class Profile:
    """One `[profiles.NAME]` of the config file."""

    url: str | None = None
    prefix: str | None = None
    environment: str | None = None
    read_only: bool = False
    operator: str | None = None
    jam_after: str | None = None
    """A longer run is jammed."""


@dataclass(frozen=True, slots=True)
class Config:
    """The user's config file."""

    path: Path
    profiles: Mapping[str, object] = field(default_factory=dict)
    """Unchecked: an invalid profile is refused only when it is used."""
    default_profile: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a command. None stands for the default of convoy_core: the embedded store, the prefix `cv:`."""

    url: str | None = None
    prefix: str | None = None
    environment: str | None = None
    read_only: bool = False
    read_only_because: str = ""
    """The reason for read-only, for the message that refuses a write."""
    jam_after_s: float | None = None
    url_from: str = field(default="", compare=False)
    """Where the URL was given, for the message that refuses it."""
    operator: str | None = None
    """Who acts, for the audit; None: the user at this machine."""
    flags: tuple[str, ...] = field(default=(), compare=False)
    """The options with which a command has the same profile and prefix; the config file's defaults need none."""


def resolve(
    environ: Mapping[str, str],
    *,
    redis: str | None = None,
    prefix: str | None = None,
    profile: str | None = None,
    read_only: bool = False,
    operator: str | None = None,
) -> Settings:
    """The settings from the flags, the environment and the config file. Raises InvalidOption."""
    config = read_config(config_path())
    asked = (("--profile", profile), ("CONVOY_PROFILE", environ.get("CONVOY_PROFILE")))
    asked_by, name = _first(*asked, ("default_profile", config.default_profile))
    chosen = _profile(config, name, asked_by) if name else Profile()
    flagged = chosen if profile else Profile()
    there = f"profile {name} in {config.path}"
    url_from, url = _first(
        ("--redis", redis),
        (there, flagged.url),
        ("CONVOY_REDIS_URL", environ.get("CONVOY_REDIS_URL")),
        (there, chosen.url),
    )
    prefix_from, prefix = _first(
        ("--prefix", prefix),
        (there, flagged.prefix),
        ("CONVOY_PREFIX", environ.get("CONVOY_PREFIX")),
        (there, chosen.prefix),
    )
    if prefix is not None:
        with _given_by(prefix_from):
            check_prefix(prefix)
    reason = _read_only_because(environ, flag=read_only, profile=chosen, name=name)
    operator = _operator(
        ("--operator", operator), ("CONVOY_OPERATOR", environ.get("CONVOY_OPERATOR")), (there, chosen.operator)
    )
    with _given_by(there):
        jam_after_s = None if chosen.jam_after is None else parse_duration(chosen.jam_after)
    flags = _flags(("--profile", name, asked_by), ("--prefix", prefix, prefix_from))
    return Settings(url, prefix, chosen.environment, bool(reason), reason, jam_after_s, url_from, operator, flags)


def _flags(*given: tuple[str, str | None, str]) -> tuple[str, ...]:
    """Options for what does not come from the config file: each by its name, its value and where that is from."""
    words = [(option, value) for option, value, source in given if value and source.startswith(("--", "CONVOY_"))]
    return tuple(word for pair in words for word in pair)


def _operator(*choices: tuple[str, str | None]) -> str | None:
    """Who acts, by the first choice that is set. Raises InvalidOption."""
    source, who = _first(*choices)
    if who is not None:
        with _given_by(source):
            Operator(who)
    return who


def store_of(settings: Settings) -> StoreDescription:
    """The store of these settings. Raises InvalidURL, which says where the URL was given."""
    from convoy_core import describe_store  # noqa: PLC0415 - loads redis, and the path of the file needs none

    with _given_by(settings.url_from):
        return describe_store(settings.url or "embedded:")


def _first(*choices: tuple[str, str | None]) -> tuple[str, str | None]:
    """The first choice that is set, and its source."""
    return next(((who, said) for who, said in choices if said), ("", None))


@contextmanager
def _given_by(who: str) -> Iterator[None]:
    """Begin an error message with the place of the wrong setting."""
    try:
        yield
    except InvalidInput as error:
        raise type(error)(f"{who}: {error}") from None


def read_config(path: Path) -> Config:
    """The config file, or an empty one if there is none. Raises InvalidOption if it is invalid."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Config(path)
    except (OSError, ValueError) as error:
        raise InvalidOption(f"The config file {path} cannot be read: {_reason(error)}.") from None
    import tomllib  # noqa: PLC0415 - few users have such a file

    try:
        table = tomllib.loads(text)
    except ValueError as error:
        raise InvalidOption(f"The config file {path} cannot be read: {_reason(error)}.") from None
    _refuse_unknown(path, "at the top", table, {"profiles", "default_profile"})
    profiles = table.get("profiles", {})
    default = table.get("default_profile")
    if not isinstance(profiles, dict) or not isinstance(default, str | None):
        raise InvalidOption(f"The config file {path} needs [profiles.NAME] tables, and default_profile as text.")
    return Config(path, profiles, default)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return error.strerror or "it cannot be opened"
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _read_profile(path: Path, name: str, entry: object) -> Profile:
    where = f"in [profiles.{name}]"
    if not isinstance(entry, dict):
        raise InvalidOption(f"The config file {path} needs a table {where}.")
    _refuse_unknown(path, where, entry, {field.name for field in fields(Profile)})
    for key, value in entry.items():
        expected = bool if key == "read_only" else str
        if not isinstance(value, expected):
            kind = "true or false" if expected is bool else "text"
            raise InvalidOption(f"The config file {path} needs {kind} for {key!r} {where}.")
    return Profile(**entry)


def _refuse_unknown(path: Path, where: str, table: Mapping[str, object], known: set[str]) -> None:
    for key in table:
        if key not in known:
            raise InvalidOption(f"The config file {path} has {key!r} {where}; known there: {', '.join(sorted(known))}.")


def _profile(config: Config, name: str, asked_by: str) -> Profile:
    if name in config.profiles:
        return _read_profile(config.path, name, config.profiles[name])
    known = f"it has: {', '.join(sorted(config.profiles))}." if config.profiles else "it has none, or is not there."
    raise InvalidOption(f"There is no profile {name!r}, which {asked_by} asks for, in {config.path}; {known}")


def _read_only_because(environ: Mapping[str, str], *, flag: bool, profile: Profile, name: str | None) -> str:
    """Why writes are refused, or an empty text."""
    if flag:
        return "--read-only"
    text = environ.get("CONVOY_READ_ONLY")
    if text is not None and text.lower() in _YES:
        return environ.get("CONVOY_READ_ONLY_BECAUSE") or "CONVOY_READ_ONLY"  # the reason of who started this process
    if text is not None and text.lower() not in _NO:
        raise InvalidOption(f"CONVOY_READ_ONLY is {text!r}; use 1 or 0.")
    allowed = bool(text)  # "0" or "no" overrides the profile; an empty text does not
    return f"profile {name}" if profile.read_only and not allowed else ""
