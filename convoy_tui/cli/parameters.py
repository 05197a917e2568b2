"""The arguments and options that several commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from convoy_core import InvalidOption
from convoy_tui.cli.completion import queue_names
from convoy_tui.cli.output import Color, Format
from convoy_tui.words import parse_duration

COMMON = "Common options"


def seconds(text: str) -> float:
    """A duration as an option's value."""
    try:
        return parse_duration(text)
    except InvalidOption as error:
        raise typer.BadParameter(str(error)) from None


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
        metavar="[QUEUE...]", help="The queues' names; all for none.", autocompletion=queue_names, show_default=False
    ),
]
ID = Annotated[str, typer.Argument(metavar="ID", help="The job's ID.", show_default=False)]
IDs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID...]", help="The IDs; a single - reads them from stdin.", show_default=False),
]
FromFile = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="Read the IDs from a file, one per line.", show_default=False),
]
Nul = Annotated[bool, typer.Option("-0", "--null", help="IDs are separated by NUL bytes, not lines.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer the question beforehand.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would happen, and change nothing.")]
All = Annotated[bool, typer.Option("--all", help="Every ID that the filters let through.")]
Match = Annotated[
    str | None, typer.Option("--match", metavar="GLOB", help="Only IDs like this: * ? [a-z].", show_default=False)
]
ErrorText = Annotated[
    str | None,
    typer.Option("--error", metavar="TEXT", help="Only IDs whose last error contains this.", show_default=False),
]
MinFailures = Annotated[
    int | None,
    typer.Option("--min-failures", metavar="N", min=1, help="Only IDs that failed this often.", show_default=False),
]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most so many.", show_default=False)]

Redis = Annotated[
    str | None,
    typer.Option(
        "--redis",
        metavar="URL",
        help="The store: redis://, rediss://, unix:// or embedded:.",
        rich_help_panel=COMMON,
        show_default=False,
    ),
]
Prefix = Annotated[
    str | None,
    typer.Option(
        "--prefix", metavar="TEXT", help="What the keys begin with.", rich_help_panel=COMMON, show_default=False
    ),
]
ProfileName = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="A profile of the config file.",
        rich_help_panel=COMMON,
        show_default=False,
    ),
]
ReadOnlyFlag = Annotated[
    bool | None,
    typer.Option("--read-only", help="Refuse every write.", rich_help_panel=COMMON, show_default=False),
]
OutputFormat = Annotated[
    Format | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FORMAT",
        help="table, plain, json, jsonl or ids.",
        rich_help_panel=COMMON,
        show_default=False,
    ),
]
JSONFlag = Annotated[
    bool | None, typer.Option("--json", help="Same as -o json.", rich_help_panel=COMMON, show_default=False)
]
ColorChoice = Annotated[
    Color | None,
    typer.Option("--color", metavar="WHEN", help="auto, always or never.", rich_help_panel=COMMON, show_default=False),
]
Quiet = Annotated[
    bool | None,
    typer.Option("--quiet", "-q", help="No notes and no progress.", rich_help_panel=COMMON, show_default=False),
]
