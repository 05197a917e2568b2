"""Checks of arguments: each returns the value as it is used, or raises InvalidOption with the argument's name."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import timedelta
from types import UnionType
from typing import TypeAlias, TypeVar

from convoy_core.errors import InvalidOption

T = TypeVar("T")
Seconds: TypeAlias = "float | timedelta"

MANY = 10**9
"""The limit of seconds (30 years) and counts that have no other. Stores and timers can hold it."""

_SHOWN = 150


def seconds(name: str, value: object, *, above_zero: bool = False) -> float:
    """A duration in seconds."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    match value:
        case bool():
            pass
        case int() | float() if 0 <= value < MANY and (value > 0 or not above_zero):
            return value
    least = "above 0 and" if above_zero else "from 0"
    raise refusal(name, value, f"a number of seconds {least} up to 30 years, or a timedelta")


def moment(name: str, value: object) -> float:
    """A time in Unix seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:
        return value
    raise refusal(name, value, "a time in Unix seconds, or None")


def whole(name: str, value: object, least: int, most: int = MANY) -> int:
    """A whole number within its range, both ends included."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise refusal(name, value, f"a whole number from {least:,} {'up' if most >= MANY else f'to {most:,}'}")


def short_text(name: str, value: object, most: int) -> str:
    """A text of at most so many characters, which UTF-8 can hold."""
    if isinstance(value, str) and len(value) <= most and value.encode("utf-8", "replace").decode() == value:
        return value
    raise refusal(name, value, f"text of at most {most:,} characters")


def flag(name: str, value: object) -> bool:
    """True or False only: a text like "no" would count as true."""
    if not isinstance(value, bool):
        raise refusal(name, value, "True or False")
    return value


def one_of(name: str, value: object, kinds: type | UnionType, what: str) -> None:
    """A value of one of these kinds."""
    if not isinstance(value, kinds):
        raise refusal(name, value, what)


def callback(name: str, value: object) -> None:
    """None, or something that can be called."""
    if value is not None and not callable(value):
        raise refusal(name, value, "a function, or None")


def many(name: str, value: Iterable[T], what: str) -> Iterable[T]:
    """An iterable of values. A text is refused, since each of its letters would count as a value; so are bytes."""
    if isinstance(value, str | bytes | bytearray | memoryview) or not isinstance(value, Iterable):
        raise refusal(name, value, f"an iterable of {what}, like a list")
    return value


def refusal(name: str, value: object, wanted: str) -> InvalidOption:
    """The error for a value that is not what is wanted."""
    return InvalidOption(f"{name} is {shown(value)}; it must be {wanted}.")


def shown(value: object) -> str:
    """The repr of a value for a message: cut to a limit, and safe even if the value's own `__repr__` raises."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - not our code; and Python itself refuses to write out a long number
        text = f"of type {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
