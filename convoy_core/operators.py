"""Who acts on a queue, through which face and why, and what the audit has kept of that."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

from convoy_core import validation
from convoy_core.models import Outcome, QueueLimits

MAX_WHO: Final = 200
MAX_REASON: Final = 1000
"""Characters."""


class Face(StrEnum):
    """Through which face of Convoy somebody acts."""

    LIBRARY = "library"
    COMMAND_LINE = "command line"
    DASHBOARD = "dashboard"


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts on a queue, as the audit keeps it with each act.

    A Queue or a Fleet that is given none acts as `Operator.here()`. Raises InvalidOption.
    """

    who: str
    """Like user@host. If it is empty, nothing is kept."""
    face: Face = Face.LIBRARY
    reason: str = ""
    """Why, for those who read the audit later."""
    operation: str = ""
    """What has the same is one operation, and its acts of one kind on a queue are kept as one entry. If it is empty,
    each call is an operation."""

    def __post_init__(self) -> None:
        """Check what a program has given."""
        validation.short_text("who", self.who, MAX_WHO)
        validation.one_of("face", self.face, Face, "a Face, like Face.LIBRARY")
        validation.short_text("reason", self.reason, MAX_REASON)
        validation.short_text("operation", self.operation, MAX_WHO)

    @classmethod
    def here(cls, face: Face = Face.LIBRARY, *, who: str | None = None, reason: str = "", operation: str = "") -> Self:
        """`who`, else CONVOY_OPERATOR, else the user of this process at this machine."""
        return cls(who or os.environ.get("CONVOY_OPERATOR", "")[:MAX_WHO] or _user_at_host(), face, reason, operation)

    def signature(self) -> str:
        """What is sent along with an act: JSON, or nothing if nothing is to be kept."""
        if not self.who:
            return ""
        operation = self.operation or os.urandom(4).hex()
        fields = {"who": self.who, "face": self.face, "reason": self.reason, "operation": operation}
        return json.dumps(fields, separators=(",", ":"))


NOBODY: Final = Operator("")
"""Of whose acts nothing is kept."""


class Undo(StrEnum):
    """How undoing an act ended."""

    UNDONE = "undone"
    OVERTAKEN = "overtaken"
    """Left alone: an operator has acted so since."""
    UNCHANGED = "unchanged"
    """Left alone: nothing of it is left to undo."""
    UNKNOWN = "unknown"
    """Left alone: what is needed for it was not kept, or is not any more."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What undoing an act has done, or would do."""

    answer: Undo
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    """Of a requeue: FAILED where an ID was put back, GONE where it was left alone."""


def check_operator(operator: Operator | None) -> None:
    """Raise InvalidOption for what is neither an Operator nor None."""
    if operator is not None:
        validation.one_of("operator", operator, Operator, "an Operator, or None")


def _user_at_host() -> str:
    import getpass  # noqa: PLC0415 - few programs act
    import socket  # noqa: PLC0415

    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a user ID without a name, as in some containers
        user = str(os.getuid()) if hasattr(os, "getuid") else "somebody"
    return f"{user}@{socket.gethostname()}"[:MAX_WHO]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act of an operator on one queue, perhaps of many calls of one operation."""

    queue: str
    at: float
    """When it began, by the store's clock, in Unix seconds."""
    until: float
    """When its last part was done."""
    who: str
    face: str
    verb: str
    """The move, `pause`, `resume`, `limit`, `repair` or `work`."""
    outcomes: Mapping[str, int]
    """What became of how many."""
    samples: tuple[str, ...]
    """Up to ten of the IDs, or of the workers."""
    reason: str
    operation: str
    place: str
    """Where it stands in the audit of its queue; later entries have greater places, and a part more moves it there."""
    before: QueueLimits | None = None
    """What limited the queue before this act, if that changed the limits."""
    after: QueueLimits | None = None
    """What this act has set."""

    @property
    def count(self) -> int:
        """How many were changed."""
        return sum(self.outcomes.values())
