"""`convoy-tui`: open the dashboard or, without a terminal, print what `convoy status` prints."""

from __future__ import annotations

import os
import socket
from functools import partial
from typing import Annotated, NoReturn

import typer

from convoy_core import ConvoyError
from convoy_core.system import VERSION, prepare_streams
from convoy_tui.cli import parameters as p
from convoy_tui.cli.commands.tui import arguments, drawing, environment_of, hand_over
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.flags import Flags
from convoy_tui.cli.help import Command
from convoy_tui.cli.settings import Settings, resolve, store_of
from convoy_tui.dashboard.serve.wish import fulfil, wished
from convoy_tui.dashboard.watched import is_watched
from convoy_tui.entry_points import loading
from convoy_tui.text.safe_text import safe

FPS = 30
"""Frames per second, half of Textual's default: enough for numbers, and half the bytes over ssh."""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(value: bool) -> None:
    if value:
        typer.echo(f"convoy-tui {VERSION}")
        raise typer.Exit


@app.command(cls=Command)
def dashboard(  # noqa: PLR0913 - typer reads the options from here
    *,
    redis: p.Redis = None,
    prefix: p.Prefix = None,
    profile: p.ProfileName = None,
    read_only: p.ReadOnlyFlag = None,
    output: p.OutputFormat = None,
    json: p.JSONFlag = None,
    color: p.ColorChoice = None,
    quiet: p.Quiet = None,
    operator: p.OperatorName = None,
    ascii_only: p.Ascii = False,
    interval: p.LookInterval = None,
    serve: p.Serve = None,
    write: p.Write = False,
    serve_url: p.ServeURL = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Open the live dashboard of a store's queues."""
    try:
        settings = resolve(
            os.environ,
            redis=redis,
            prefix=prefix,
            profile=profile,
            read_only=bool(read_only),
            operator=operator,
        )
        flags = Flags(output=output, json=json, color=color, quiet=quiet)
        wish = wished(serve, serve_url, writes=write, is_quiet=bool(quiet))
        if wish is not None:
            return fulfil(wish, settings, drawing(ascii_only=ascii_only, interval=interval), profile)
        if not is_watched():
            _status_instead(settings, flags)
        _open(settings, ascii_only=ascii_only, interval=interval)
    except ConvoyError as error:
        typer.echo(safe(str(error)), err=True)
        raise typer.Exit(Code.USAGE) from None


def _open(settings: Settings, *, ascii_only: bool, interval: float | None) -> NoReturn:
    with loading():
        _draw_less_often()
        from convoy_tui.dashboard.app import ConvoyApp  # noqa: PLC0415 - after the line above, and not for --help
        from convoy_tui.dashboard.board.board import Place  # noqa: PLC0415
        from convoy_tui.dashboard.remembered import Memory, state_path  # noqa: PLC0415
        from convoy_tui.dashboard.source import LiveSource  # noqa: PLC0415
        from convoy_tui.text.health import Limits  # noqa: PLC0415

    limits = Limits() if settings.jam_after_s is None else Limits(jam_after_s=settings.jam_after_s)
    source = LiveSource(
        url=store_of(settings).url,
        prefix=settings.prefix,
        read_only=settings.read_only,
        operator=settings.operator,
        jam_after_s=limits.jam_after_s,
    )
    place = Place(
        source.shown,
        settings.environment,
        settings.read_only,
        settings.read_only_because,
        limits,
        can_start=source.can_start,
        flags=_flags(settings, source.shown),
    )
    advise = partial(_advice, settings)
    memory = Memory(state_path())
    pace_s = interval if interval is not None else memory.interval_s or 1.0
    app = ConvoyApp(source, place, interval_s=pace_s, is_ascii=ascii_only, advise=advise, memory=memory)
    # Not every hangup arrives as a signal that ends the process, and a driver without a terminal would loop for ever.
    app.is_watched = is_watched
    app.run()
    raise typer.Exit(app.return_code or Code.DONE)


def _flags(settings: Settings, shown: str) -> tuple[str, ...]:
    """The options with which a command of `convoy` finds the same store. A password in the address stays masked."""
    is_given = settings.url_from in ("--redis", "CONVOY_REDIS_URL")
    return (*settings.flags, *(("--redis", shown) if is_given else ()))


def _draw_less_often() -> None:
    """Set the frames per second unless the user has. This avoids the environment, which handlers' processes inherit."""
    from textual import constants  # noqa: PLC0415 - not for --help, and before any other part of it reads this

    if "TEXTUAL_FPS" not in os.environ:
        constants.MAX_FPS = FPS  # type: ignore[misc]  # Final, but nothing has read it yet


def _advice(settings: Settings) -> str:
    """The warning about the connection, or an empty text."""
    store = store_of(settings)
    if store.cautions:
        return store.cautions[0]
    if settings.url is None and store.is_embedded and _answers("localhost", 6379):
        return "This is the embedded store; a server answers on localhost:6379: --redis redis://localhost:6379"
    return ""


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.2):
            return True
    except OSError:
        return False


def _status_instead(settings: Settings, flags: Flags) -> NoReturn:
    """Replace this process by `convoy status`, whose exit code is 0 if the store could be read."""
    typer.echo("convoy-tui needs a terminal; this is what `convoy status` says.", err=True)
    limit = [] if settings.jam_after_s is None else ["--jam-after", f"{settings.jam_after_s:g}s"]
    environment = environment_of(settings, store_of(settings).url)
    hand_over("convoy_tui.cli", "status", *limit, *arguments(flags), environment=environment)


def run() -> None:
    """The entry point."""
    prepare_streams()
    app(prog_name="convoy-tui")
