"""`convoy tui`: open the dashboard."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NoReturn

import typer

from convoy_core.system import own_program
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.flags import Flags
from convoy_tui.cli.session import Session
from convoy_tui.cli.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "tui", panel="Run")(tui)


def tui(
    session: Session,
    *,
    ascii_only: p.Ascii = False,
    interval: p.LookInterval = None,
    serve: p.Serve = None,
    write: p.Write = False,
    serve_url: p.ServeURL = None,
) -> NoReturn:
    """Open the live dashboard; same as convoy-tui.

    It shows every queue live, and offers all actions of this command line from the keyboard. With --serve it prints a
    link for a browser on this machine, which works once.

    Examples:
      convoy tui
      convoy tui --redis redis://localhost:6379 --read-only
      convoy tui --serve
      convoy tui --serve 127.0.0.1:9000 --write
    """
    words = [
        *drawing(ascii_only=ascii_only, interval=interval),
        *([f"--serve={serve}"] if serve is not None else []),
        *(["--write"] if write else []),
        *([f"--serve-url={serve_url}"] if serve_url is not None else []),
        *arguments(session.flags),
    ]
    hand_over(
        "convoy_tui", *words, environment=environment_of(session.settings, session.store.url, session.flags.profile)
    )


def hand_over(module: str, *words: str, environment: Mapping[str, str]) -> NoReturn:
    """Replace this process by another program of Convoy."""
    command = own_program(module, *words)
    os.execve(command[0], command, environment)  # noqa: S606 - deliberately without a shell


def environment_of(settings: Settings, url: str, profile: str | None = None) -> dict[str, str]:
    """The environment in which another program of Convoy has the same settings.

    A password in a URL must not show in the list of processes, so nothing of it goes into arguments.
    """
    because = settings.read_only_because
    given = {
        "CONVOY_REDIS_URL": url,
        "CONVOY_PREFIX": settings.prefix,
        "CONVOY_PROFILE": profile,
        "CONVOY_OPERATOR": settings.operator,
        "CONVOY_READ_ONLY": "1" if because else None,
        "CONVOY_READ_ONLY_BECAUSE": because or None,
    }
    return os.environ | {name: value for name, value in given.items() if value is not None}


def drawing(*, ascii_only: bool, interval: float | None) -> list[str]:
    """What is only the dashboard's, as command-line arguments."""
    return [*(["--ascii"] if ascii_only else []), *([f"--interval={interval}"] if interval is not None else [])]


def arguments(flags: Flags) -> list[str]:
    """The output options as command-line arguments. The address of the store is passed in the environment."""
    return [
        *(["--json"] if flags.json else []),
        *([f"--output={flags.output}"] if flags.output else []),
        *([f"--color={flags.color}"] if flags.color else []),
        *(["--quiet"] if flags.quiet else []),
    ]
