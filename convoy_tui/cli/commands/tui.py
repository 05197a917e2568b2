"""`convoy tui`: open the dashboard."""

from __future__ import annotations

import os
from typing import NoReturn

import typer

from convoy_core.system import own_program
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.flags import Flags
from convoy_tui.cli.session import Session


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "tui", panel="Run")(tui)


def tui(
    session: Session,
    *,
    ascii_only: p.Ascii = False,
    interval: p.LookInterval = None,
) -> NoReturn:
    """Open the live dashboard; same as convoy-tui.

    It shows every queue live, and offers all actions of this command line from the keyboard.

    Examples:
      convoy tui
      convoy tui --redis redis://localhost:6379 --read-only
    """
    settings, flags = session.settings, session.flags
    words = [
        *(["--ascii"] if ascii_only else []),
        *([f"--interval={interval}"] if interval is not None else []),
        *(arguments(flags)),
    ]
    hand_over(
        "convoy_tui",
        *words,
        url=session.store.url,
        prefix=settings.prefix,
        profile=flags.profile,
        read_only=settings.read_only,
        operator=settings.operator,
    )


def hand_over(
    module: str,
    *words: str,
    url: str,
    prefix: str | None,
    profile: str | None = None,
    read_only: bool = False,
    operator: str | None = None,
) -> NoReturn:
    """Replace this process by another program of Convoy with the same settings.

    They are passed in its environment: a password in a URL must not show in the list of processes.
    """
    given = {"CONVOY_REDIS_URL": url, "CONVOY_PREFIX": prefix, "CONVOY_PROFILE": profile, "CONVOY_OPERATOR": operator}
    if read_only:
        given["CONVOY_READ_ONLY"] = "1"
    environment = os.environ | {name: value for name, value in given.items() if value is not None}
    command = own_program(module, *words)
    os.execve(command[0], command, environment)  # noqa: S606 - deliberately without a shell


def arguments(flags: Flags) -> list[str]:
    """The output options as command-line arguments. The address of the store is passed in the environment."""
    return [
        *(["--json"] if flags.json else []),
        *([f"--output={flags.output}"] if flags.output else []),
        *([f"--color={flags.color}"] if flags.color else []),
        *(["--quiet"] if flags.quiet else []),
    ]
