"""One queue with its health word, as every face shows it: acknowledged trouble is no alarm. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from convoy_core import Snapshot
from convoy_tui.text.health import KNOWN_SIGN, PLAIN_KNOWN_SIGN, Health, Severity, is_acknowledged
from convoy_tui.text.history import Trends


@dataclass(frozen=True, slots=True)
class Judged:
    """One queue and its word, and what becomes of that where an operator knows of the trouble."""

    snapshot: Snapshot
    trends: Trends
    health: Health

    @property
    def is_acknowledged(self) -> bool:
        """Whether this is trouble that an operator knows of."""
        return is_acknowledged(self.snapshot, self.health)

    @property
    def needs_you(self) -> bool:
        """Whether someone should look."""
        return self.health.needs_you and not self.is_acknowledged

    @property
    def severity(self) -> Severity:
        """How urgent it is."""
        return Severity.DELIBERATE if self.is_acknowledged else self.health.severity

    def sign(self, *, ascii_only: bool = False) -> str:
        """The sign of the word, or of its being acknowledged."""
        if self.is_acknowledged:
            return PLAIN_KNOWN_SIGN if ascii_only else KNOWN_SIGN
        return self.health.sign(ascii_only=ascii_only)
