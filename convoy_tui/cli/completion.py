"""Shell completion of queue names. After any error there are no completions."""

from __future__ import annotations

import os

import typer

from convoy_core import ConvoyError
from convoy_tui.text.safe_text import safe


def queue_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The queues whose names begin so. Never starts an embedded store, and waits only briefly."""
    try:
        return [name for name in _all_names(ctx) if name.startswith(incomplete) and name == safe(name)]
    except (ConvoyError, OSError):
        return []


def _all_names(ctx: typer.Context) -> list[str]:
    # They load what reads files and reaches stores, which other completions do not need.
    from convoy_core import Fleet  # noqa: PLC0415
    from convoy_tui.cli.settings import resolve, store_of  # noqa: PLC0415

    given = {**(ctx.parent.params if ctx.parent else {}), **{k: v for k, v in ctx.params.items() if v is not None}}
    settings = resolve(os.environ, redis=given.get("redis"), prefix=given.get("prefix"), profile=given.get("profile"))
    store = store_of(settings)
    server = store.embedded_server
    if server is not None and not server.status().running:
        return []
    with Fleet(redis=store.url, prefix=settings.prefix, read_only=True) as fleet:
        return fleet.queues()
