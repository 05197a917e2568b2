"""Starts an embedded store that is away, and says what came of it."""

from __future__ import annotations

from convoy_core import ConvoyError
from convoy_tui.dashboard.services import Services


async def started(services: Services) -> str:
    """What has happened, in a sentence. The store is read at once."""
    if not (services.source.can_start and services.board.is_lost):
        return "S starts an embedded store that is away."
    try:
        await services.source.start_store()
    except ConvoyError as error:
        return str(error)
    services.hurry()
    return "The embedded store runs."
