"""`convoy server`: start, stop and inspect the embedded store."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from convoy_core import Durability, EmbeddedServer, InvalidOption, ServerStatus
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.help import Group
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.session import Session
from convoy_tui.text.words import age, number

SCHEMA = "convoy.server/1"


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(cls=Group, rich_markup_mode=None, help="Start, stop and inspect the embedded store.")
    command(group, "start")(start)
    command(group, "stop")(stop)
    command(group, "status")(status)
    app.add_typer(group, name="server", rich_help_panel="Run")


DurabilityChoice = Annotated[
    Durability | None,
    typer.Option(
        "--durability",
        metavar="WHEN",
        help="everysec or always: when writes are on disk.",
        show_default=False,
    ),
]


def start(session: Session, *, durability: DurabilityChoice = None) -> Code:
    """Start the embedded store, unless it runs.

    Every command starts it when it needs it; use this to start it earlier. A power cut loses about the last second or
    two, but with --durability always nothing that was acknowledged. A running store is switched to that setting.

    Examples:
      convoy server start
      convoy server start --durability always
    """
    server = _server(session)
    was_running = server.status().running
    if durability is None:
        server.ensure()
    else:
        EmbeddedServer(server.directory, durability).ensure_durability()
    return _answer(session, server.status(), "was running already" if was_running else "started")


def stop(session: Session) -> Code:
    """Stop the embedded store; nothing is lost.

    Examples:
      convoy server stop
    """
    server = _server(session)
    stopped = server.stop()
    return _answer(session, server.status(), "stopped" if stopped else "was not running")


def status(session: Session) -> Code:
    """Say whether the embedded store runs, and where.

    The exit code is 3 if it does not run.

    Examples:
      convoy server status
      convoy server status --json
    """
    found = _server(session).status()
    _answer(session, found, "running" if found.running else "not running")
    return Code.DONE if found.running else Code.NOT_FOUND


def _server(session: Session) -> EmbeddedServer:
    server = session.store.embedded_server
    if server is None:
        raise InvalidOption(
            f"`convoy server` is about the embedded store, and the store chosen is {session.where}; "
            "choose the embedded one with --redis embedded:"
        )
    return server


def _answer(session: Session, found: ServerStatus, word: str) -> Code:
    session.out.refuse(Format.IDS, because="there are no IDs in the answer.")
    if session.out.format in (Format.JSON, Format.JSONL):
        fields = asdict(found) | {"directory": str(found.directory), "socket": str(found.socket)}
        session.out.document(SCHEMA, fields)
        return Code.DONE
    session.out.line(f"embedded store {word}")
    facts: list[tuple[str, str | None]] = [
        ("directory", str(found.directory)),
        ("socket", str(found.socket) if found.running else None),
        ("process", str(found.pid) if found.pid and found.running else None),
        ("server", found.version),
        ("durability", found.durability),
        ("up", None if found.uptime_s is None else age(found.uptime_s)),
        ("memory", None if found.used_memory_bytes is None else f"{number(found.used_memory_bytes // 1024)} KiB"),
    ]
    for label, value in facts:
        if value is not None:
            session.out.line(f"{label:>10}  {value}")
    return Code.DONE
