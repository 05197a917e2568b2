"""The arguments and options that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from convoy_core import InvalidOption
from convoy_core.system import system_text
from convoy_tui.cli.completion import profile_names, queue_names
from convoy_tui.cli.io.formats import Color, Format
from convoy_tui.cli.otel_spans import OtelSpans
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import number, parse_duration

COMMON = "Common options"


_LONGEST_S = 10.0**9


def seconds(text: str | float) -> float:
    """The value of an option that is a duration."""
    try:
        value = parse_duration(str(text))
    except InvalidOption as error:
        raise typer.BadParameter(str(error)) from None
    if value >= _LONGEST_S:
        raise typer.BadParameter(f"{safe(repr(text), 60)} is too long; it must be less than 30 years.")
    return value


def some_seconds(text: str | float) -> float:
    """The same, above 0."""
    if not (value := seconds(text)):
        raise typer.BadParameter(f"{safe(repr(text), 60)} is too short; it must be greater than 0.")
    return value


def between_looks(text: str | float) -> float:
    """The refresh interval of the dashboard."""
    if not 0.2 <= (value := seconds(text)) <= 60:
        raise typer.BadParameter(f"{safe(repr(text), 60)} does not fit; it must be from 200ms to 1m.")
    return value


def natural(text: str | int) -> int:
    """The value of an option that is a whole number from 0."""
    return _whole(text, 0, _MOST)


def positive(text: str | int) -> int:
    """The value of an option that is a whole number from 1."""
    return _whole(text, 1, _MOST)


def tried(text: str | int) -> int:
    """The value of `--try`."""
    return _whole(text, 1, 100)


def concurrency(text: str | int) -> int:
    """The value of `--concurrency`."""
    from convoy_core import MAX_CONCURRENCY  # noqa: PLC0415 - loads the pool, and redis with it

    return _whole(text, 1, MAX_CONCURRENCY)


def megabytes(text: str | int) -> int:
    """The value of an option that is a size of up to 1 GiB."""
    return _whole(text, 1, 1024)


_MOST = 10**9


def _whole(text: str | int, least: int, most: int) -> int:
    digits = str(text)
    is_whole = digits.isascii() and digits.isdigit() and len(digits) < 20
    if not is_whole or not least <= int(digits) <= most:
        up = "up" if most == _MOST else f"to {number(most)}"
        raise typer.BadParameter(f"{safe(repr(digits), 60)} is no whole number from {least} {up}.")
    return int(digits)


def group(text: str) -> str:
    """The value of `--group`."""
    if not re.fullmatch("[0-9a-f]{8}", text):
        raise typer.BadParameter(f"{safe(repr(text), 60)} is no group; `convoy failures QUEUE` lists them.")
    return text


def path(text: str) -> Path:
    """The value of an option that is a file name, with its exact bytes."""
    return Path(system_text(text))


QueueName = Annotated[
    str, typer.Argument(metavar="QUEUE", help="The queue's name.", autocompletion=queue_names, show_default=False)
]
QueueNames = Annotated[
    list[str],
    typer.Argument(metavar="QUEUE...", help="The queues' names.", autocompletion=queue_names, show_default=False),
]
OptionalQueueNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[QUEUE...]", help="The queues' names; all by default.", autocompletion=queue_names, show_default=False
    ),
]
ID = Annotated[str, typer.Argument(metavar="ID", help="The job's ID.", show_default=False)]
IDs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID...]", help="The IDs; a single - reads them from stdin.", show_default=False),
]
FromFile = Annotated[
    Path | None,
    typer.Option(
        "--from", metavar="FILE", parser=path, help="Read the IDs from a file, one per line.", show_default=False
    ),
]
Nul = Annotated[bool, typer.Option("-0", "--null", help="IDs end in NUL bytes, not in line ends.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would happen, and change nothing.")]
All = Annotated[bool, typer.Option("--all", help="Every ID that matches the filters.")]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why; `convoy log` shows it.", show_default=False)
]
Match = Annotated[
    str | None, typer.Option("--match", metavar="GLOB", help="Only IDs like this, with * and ?.", show_default=False)
]
Group = Annotated[
    str | None,
    typer.Option(
        "--group", metavar="GROUP", parser=group, help="Only this group of `convoy failures`.", show_default=False
    ),
]
ErrorText = Annotated[
    str | None,
    typer.Option("--error", metavar="TEXT", help="Only IDs whose last error contains this.", show_default=False),
]
MinFailures = Annotated[
    int | None,
    typer.Option(
        "--min-failures",
        metavar="N",
        parser=positive,
        help="Only IDs with at least this many failures.",
        show_default=False,
    ),
]
Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", parser=positive, help="At most this many.", show_default=False)
]

_REDIS = typer.Option(
    "--redis",
    metavar="URL",
    help="The store, like redis://HOST:6379 or embedded:",
    rich_help_panel=COMMON,
    show_default=False,
)
_OUTPUT = typer.Option(
    "--output",
    "-o",
    metavar="FORMAT",
    help="table, plain, json, jsonl or ids.",
    rich_help_panel=COMMON,
    show_default=False,
)
_JSON = typer.Option("--json", help="Same as -o json.", rich_help_panel=COMMON, show_default=False)

Redis = Annotated[str | None, _REDIS]
OutputFormat = Annotated[Format | None, _OUTPUT]
JSONFlag = Annotated[bool | None, _JSON]


def _prefix(*, hidden: bool) -> Any:
    text = "The prefix of the keys. Default: cv:"
    return typer.Option("--prefix", metavar="TEXT", help=text, rich_help_panel=COMMON, hidden=hidden)


def _profile(*, hidden: bool) -> Any:
    text = "A profile of the config file."
    return typer.Option(
        "--profile",
        metavar="NAME",
        help=text,
        rich_help_panel=COMMON,
        hidden=hidden,
        autocompletion=profile_names,
    )


def _read_only(*, hidden: bool) -> Any:
    return typer.Option("--read-only", help="Refuse every write.", rich_help_panel=COMMON, hidden=hidden)


def _color(*, hidden: bool) -> Any:
    text = "auto, always or never."
    return typer.Option("--color", metavar="WHEN", help=text, rich_help_panel=COMMON, hidden=hidden)


def _quiet(*, hidden: bool) -> Any:
    return typer.Option("--quiet", "-q", help="No notes and no progress.", rich_help_panel=COMMON, hidden=hidden)


def _operator(*, hidden: bool) -> Any:
    text = "Who acts, for the audit. Default: you, at this host."
    return typer.Option("--operator", metavar="WHO", help=text, rich_help_panel=COMMON, hidden=hidden)


JamAfter = Annotated[
    float | None,
    typer.Option(
        "--jam-after",
        metavar="TIME",
        parser=seconds,
        help="A longer run is jammed. Default: the profile's, or 5m.",
    ),
]
Ascii = Annotated[bool, typer.Option("--ascii", help="Draw with ASCII characters alone.")]
LookInterval = Annotated[
    float | None,
    typer.Option("--interval", metavar="TIME", parser=between_looks, help="Time between two readings. Default: 1s."),
]
Serve = Annotated[
    str | None,
    typer.Option(
        "--serve",
        metavar="[HOST:PORT]",
        help="Offer it to a browser instead, read-only. Default: 127.0.0.1:8000.",
        show_default=False,
    ),
]
Write = Annotated[bool, typer.Option("--write", help="With --serve: allow changes as well.")]
ServeURL = Annotated[
    str | None,
    typer.Option(
        "--serve-url",
        metavar="URL",
        help="With --serve: where a proxy offers it, like https://convoy.example.com",
        show_default=False,
    ),
]
Otel = Annotated[
    OtelSpans | None,
    typer.Option(
        "--otel",
        metavar="WORD",
        help="ids or no-ids: trace by OpenTelemetry, and whether spans tell the IDs.",
        show_default=False,
    ),
]

Prefix = Annotated[str | None, _prefix(hidden=False)]
ProfileName = Annotated[str | None, _profile(hidden=False)]
ReadOnlyFlag = Annotated[bool | None, _read_only(hidden=False)]
ColorChoice = Annotated[Color | None, _color(hidden=False)]
Quiet = Annotated[bool | None, _quiet(hidden=False)]
OperatorName = Annotated[str | None, _operator(hidden=False)]

HiddenPrefix = Annotated[str | None, _prefix(hidden=True)]
HiddenProfileName = Annotated[str | None, _profile(hidden=True)]
HiddenReadOnlyFlag = Annotated[bool | None, _read_only(hidden=True)]
HiddenColorChoice = Annotated[Color | None, _color(hidden=True)]
HiddenQuiet = Annotated[bool | None, _quiet(hidden=True)]
HiddenOperatorName = Annotated[str | None, _operator(hidden=True)]
