"""What the store's server tells of itself, and what a check of it has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from convoy_core import AsyncFleet, Finding


@dataclass(frozen=True, slots=True)
class ServerState:
    """What was read last."""

    info: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


async def read_server(fleet: AsyncFleet, known: ServerState, *, judge: bool) -> ServerState:
    """The server's state; its findings, which take several round trips, only where they are to be read anew."""
    info = await fleet.server_info()
    findings = tuple(await fleet.check_server()) if judge else known.findings
    return ServerState(info, findings)
