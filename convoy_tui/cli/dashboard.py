"""`convoy tui`: hand over to the dashboard."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from convoy_core.own_program import own_program
from convoy_tui.cli.command import command
from convoy_tui.cli.exits import Code
from convoy_tui.cli.session import Session


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "tui", panel="Run")(tui)


def tui(
    session: Session,
    *,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="Draw with ASCII characters alone.")] = False,
) -> Code:
    """Open the live dashboard; same as convoy-tui.

    It shows every queue as it changes, and everything here can be done there from the keyboard.

    Examples:
      convoy tui
      convoy tui --redis redis://localhost:6379 --read-only
    """
    settings = session.settings
    given = {
        "CONVOY_REDIS_URL": session.store.url,
        "CONVOY_PREFIX": settings.prefix,
        "CONVOY_PROFILE": session.flags.profile,
    }
    if settings.read_only:
        given["CONVOY_READ_ONLY"] = "1"
    # By the environment: a password in a URL must not show in the list of processes.
    environment = os.environ | {name: value for name, value in given.items() if value is not None}
    command = own_program("convoy_tui", *(["--ascii"] if ascii_only else []))
    os.execve(command[0], command, environment)  # noqa: S606 - no shell, on purpose
