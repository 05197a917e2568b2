"""A window onto a list of rows: those that are known, and how many there are in all. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Window(Generic[R_co]):
    """Rows from place `first` on, of a list of `total` rows. A list that is known as a whole begins at 0."""

    rows: tuple[R_co, ...] = ()
    first: int = 0
    total: int = 0

    @classmethod
    def whole(cls, rows: tuple[R_co, ...]) -> Window[R_co]:
        """A list of which every row is known."""
        return cls(rows, 0, len(rows))

    def at(self, place: int) -> R_co | None:
        """The row at a place, if it is known."""
        index = place - self.first
        return self.rows[index] if 0 <= index < len(self.rows) else None

    def holds(self, first: int, last: int) -> bool:
        """Whether every row from `first` up to `last`, which is not among them, is known."""
        return first >= self.first and min(last, self.total) <= self.first + len(self.rows)

    def place(self, is_wanted: Callable[[R_co], bool]) -> int | None:
        """The place of the first known row that is wanted."""
        return next((self.first + index for index, row in enumerate(self.rows) if is_wanted(row)), None)
