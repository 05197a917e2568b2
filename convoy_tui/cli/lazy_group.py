"""The list of the commands of `convoy`. The module of a command is loaded when that command is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand

from convoy_tui.cli.help import Group


class Listed(NamedTuple):
    """The entry of a command in the help while it is not loaded. A test compares it with the command."""

    module: str
    """The module in `convoy_tui.cli.commands`."""
    panel: str
    help: str


COMMANDS: Final = {
    "status": Listed("status", "Look", "Show every queue with its counts, its health, and why."),
    "watch": Listed(
        "watch", "Look", "Tell of each change of a queue's health, and run a command for it, until Ctrl-C."
    ),
    "list": Listed("list_ids", "Look", "List the IDs of a queue in one state."),
    "find": Listed("find", "Look", "Say in which queues an ID is, and in which state."),
    "where": Listed("where", "Look", "Say in which state each of many IDs is."),
    "wait": Listed("wait", "Look", "Wait until none of these IDs waits or runs any more."),
    "show": Listed("show", "Look", "Show everything about one ID."),
    "failures": Listed("failures", "Look", "Show the failed IDs of a queue in groups, by what broke."),
    "record": Listed("record", "Look", "Keep every move of a queue for a while, or say whether that is going on."),
    "trace": Listed("record", "Look", "Tell what a recorder has seen of one ID, oldest first."),
    "history": Listed("history", "Look", "Show what the counts and rates of a queue were."),
    "errors": Listed("errors", "Look", "Show the error log of a queue, newest first."),
    "log": Listed("log", "Look", "Show what operators have done, oldest first."),
    "workers": Listed("workers", "Look", "List the worker pools and what they hold."),
    "doctor": Listed("doctor", "Look", "Check the server and the queues: that every ID is in exactly one place."),
    "metrics": Listed("metrics", "Look", "Print the numbers of all queues in the form of Prometheus, or serve them."),
    "export": Listed("export_ids", "Look", "Write IDs with all their data, as lines of JSON."),
    "publish": Listed("publish", "Act", "Put IDs into a queue, each unless it is there already."),
    "requeue": Listed("requeue", "Act", "Queue failed IDs again, named or filtered."),
    "discard": Listed("discard", "Act", "Remove failed or waiting IDs."),
    "restore": Listed("restore", "Act", "Bring back what `discard` has removed, unless it is there again."),
    "import": Listed("import_ids", "Act", "Put in the IDs that `export` has written, unless they are there."),
    "cancel": Listed("cancel", "Act", "Cancel IDs: forget those that wait, and ask those that run to end."),
    "jam-guard": Listed("jam_guard", "Act", "Free IDs that have been processing for too long."),
    "pause": Listed("pause", "Act", "Stop workers from claiming; running jobs go on."),
    "resume": Listed("pause", "Act", "Let workers claim again."),
    "ack": Listed("ack", "Act", "Acknowledge a queue's trouble: it is not told until the time is over."),
    "describe": Listed(
        "describe", "Act", "Say who answers for a queue and what to do when it is in trouble, or show it."
    ),
    "quiet": Listed(
        "quiet", "Act", "Have the workers of a host, or one worker, claim nothing more; what they run goes on."
    ),
    "unquiet": Listed("quiet", "Act", "Let the workers of a host, or one worker, claim again."),
    "limit": Listed("limit", "Act", "Limit what workers run of a queue, or show its limits."),
    "work": Listed("work", "Run", "Run workers on a queue until stopped."),
    "demo": Listed("demo", "Run", "Show sample queues and workers at work, to see everything alive."),
    "bench": Listed("bench", "Run", "Measure how fast this store takes IDs and hands them out."),
    "tui": Listed("tui", "Run", "Open the live dashboard; same as convoy-tui."),
    "server": Listed("server", "Run", "Start, stop and inspect the embedded store."),
}


class LazyGroup(Group):
    """The group of all commands: it lists the entries above, and loads a command to call it."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = {
            name: TyperCommand(name, help=listed.help, rich_help_panel=listed.panel)
            for name, listed in COMMANDS.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command to call or to complete, and load it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if name in COMMANDS else command, rest


def load(name: str) -> Any:
    """The command of that name, loaded."""
    app = typer.Typer(rich_markup_mode=None)
    import_module(f"convoy_tui.cli.commands.{COMMANDS[name].module}").register(app)
    return typer.main.get_group(app).commands[name]
