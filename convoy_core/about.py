"""What operators have said about a queue: who answers for it, where it is told what to do, and what they know of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAX_OWNER: Final = 200
MAX_RUNBOOK: Final = 1000
MAX_NOTE: Final = 1000
"""Characters."""

MAX_WORDS: Final = 20
MAX_WORD: Final = 40


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An operator knows of a queue's trouble, so that nobody need be told of it for a while."""

    until: float
    """When it ends by itself, by the store's clock, in Unix seconds."""
    at: float
    """When it was given."""
    by: str
    note: str = ""
    words: tuple[str, ...] = ()
    """The health words that it covers. Empty: whatever the word becomes."""

    def covers(self, word: str) -> bool:
        """Whether trouble of this word need not be told."""
        return not self.words or word in self.words


@dataclass(frozen=True, slots=True)
class About:
    """What operators have said about a queue. What nobody has said is empty."""

    owner: str = ""
    """Who answers for it."""
    runbook: str = ""
    """The address of what to do when it is in trouble."""
    note: str = ""
    acknowledged: Acknowledgement | None = None
    """What holds now; None if nothing does, or it is over."""


NOTHING: Final = About()


def read(fields: Mapping[bytes, bytes], at: float) -> About:
    """What the store holds of that, at this time by its clock."""

    def text(name: bytes) -> str:
        return fields.get(name, b"").decode("utf-8", "replace")

    return About(text(b"owner"), text(b"runbook"), text(b"note"), _acknowledged(fields, text(b"known"), at))


def _acknowledged(fields: Mapping[bytes, bytes], note: str, at: float) -> Acknowledgement | None:
    try:
        until, since = (float(fields.get(name, b"0")) / 1000 for name in (b"until", b"since"))
    except ValueError:  # nobody of ours wrote it
        return None
    if not until > at:
        return None
    words = fields.get(b"words", b"").decode("utf-8", "replace")
    by = fields.get(b"by", b"").decode("utf-8", "replace")
    return Acknowledgement(until, since, by, note, tuple(words.split(",")) if words else ())
