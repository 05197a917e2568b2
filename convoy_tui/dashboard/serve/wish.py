"""What `--serve` asks for: checked, and turned into the program of each tab, before anything of the web is loaded."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, replace
from functools import partial

import typer

from convoy_core import InvalidOption
from convoy_core.system import lossy_streams, own_program
from convoy_tui.cli.commands.tui import environment_of
from convoy_tui.cli.settings import Settings, store_of
from convoy_tui.dashboard.serve.address import PORT, read_origin
from convoy_tui.entry_points import loading
from convoy_tui.text.address import read_address


@dataclass(frozen=True, slots=True)
class Wish:
    """The options as they were given."""

    where: str
    url: str | None
    writes: bool
    is_quiet: bool


def wished(where: str | None, url: str | None, *, writes: bool, is_quiet: bool) -> Wish | None:
    """What is asked for; None without `--serve`. Raises InvalidOption where only the rest of it is given."""
    if where is not None:
        return Wish(where, url, writes, is_quiet)
    if writes or url is not None:
        raise InvalidOption("--write and --serve-url are for --serve, which offers the dashboard to a browser.")
    return None


def fulfil(wish: Wish, settings: Settings, words: list[str], profile: str | None) -> None:
    """Serve dashboards with these settings until a signal ends it. Raises InvalidOption or InvalidURL."""
    address = read_address(wish.where, "--serve", PORT)
    origin = None if wish.url is None else read_origin(wish.url)
    served = _restrained(settings, writes=wish.writes)
    environment = environment_of(served, store_of(served).url, profile)
    if importlib.util.find_spec("textual_serve") is None:
        raise InvalidOption("--serve needs textual-serve; install it: pip install 'convoy-queue[serve]'")
    with loading():
        from convoy_tui.dashboard.serve.main import Speech, serve  # noqa: PLC0415 - loads what only this needs
        from convoy_tui.dashboard.serve.tab import Program  # noqa: PLC0415

    tell = partial(typer.echo, err=True)
    link = partial(typer.echo, file=lossy_streams(sys.stdout))  # a reader of it who has gone must keep no browser out
    speech = Speech(link, note=_unheard if wish.is_quiet else tell, fault=tell)
    program = Program(own_program("convoy_tui", *words), environment)
    serve(address, program, speech, public_origin=origin, writes=wish.writes)


def _restrained(settings: Settings, *, writes: bool) -> Settings:
    """The settings, read-only unless writes were asked for. Raises InvalidOption where that contradicts them."""
    because = settings.read_only_because
    if because and writes:
        raise InvalidOption(f"--write: this is read-only because of {because}.")
    return (
        settings
        if writes
        else replace(settings, read_only=True, read_only_because=because or "--serve without --write")
    )


def _unheard(_text: str) -> None:
    """Drop a remark."""
