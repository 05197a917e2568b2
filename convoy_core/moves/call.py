"""What every operation is made of: one round trip as a value, and what goes over several. No I/O.

A `Call` is one round trip. What needs several is a generator that yields calls and is sent their results, so that the
blocking and the awaited runner share it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from convoy_core import validation
from convoy_core.moves.keys import Keys
from convoy_core.moves.scripts import Script, load
from convoy_core.options import BATCH, BATCH_BYTES, JobID, decode_id, encode_id
from convoy_core.states import State
from convoy_core.validation import Seconds

T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)

Argument: TypeAlias = "bytes | str | int"

Steps: TypeAlias = "Generator[Call[Any], Any, T]"

Rounds: TypeAlias = "Generator[list[Call[Any]], list[Any], T]"
"""As `Steps`, with several independent calls at a time."""


class Call(NamedTuple, Generic[T]):
    """One round trip: a script with its keys and arguments, or (script None) a plain command."""

    script: Script | None
    keys: tuple[bytes, ...]
    arguments: tuple[Argument, ...]
    read: Callable[[Any], T]
    writes: bool = True
    registers: str | None = None
    """The queue that this call may bring to life, to be named in the registry."""
    replicas: int = 0
    """How many replicas must confirm what it wrote."""


def of(
    name: str,
    keys: Keys,
    arguments: Iterable[Argument],
    read: Callable[[Any], T],
    *,
    dry: bool = False,
    replicas: int = 0,
) -> Call[T]:
    """A call of the script `name` on one queue. A dry run is sent as a read, so that the store refuses any write."""
    script = load(name)
    named = keys.all_named(script.keys)
    writes = not (script.is_read or dry)
    registers = keys.queue if name in ("publish", "register", "pause", "restore", "set_limits") and writes else None
    return Call(script, named, tuple(arguments), read, writes, registers, replicas)


def command(*parts: Argument, read: Callable[[Any], T], writes: bool = False, beside: bytes | None = None) -> Call[T]:
    """A call of a plain command; of those that name no key, `beside` tells which node of a Cluster is meant."""
    return Call(None, () if beside is None else (beside,), parts, read, writes)


def chunked(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Lists of up to `size` items, read no further ahead than that. Raises InvalidOption."""
    validation.many("items", items, "items")
    validation.whole("size", size, 1)
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def bounded(items: list[T], sizes: list[int]) -> Iterator[list[T]]:
    """A chunk in lists of up to `BATCH_BYTES`, given the bytes of each item; a larger item gets a list of its own."""
    if sum(sizes) <= BATCH_BYTES:
        yield items
        return
    part: list[T] = []
    total = 0
    for item, size in zip(items, sizes, strict=True):
        total += size
        if part and total > BATCH_BYTES:
            yield part
            part, total = [], size
        part.append(item)
    yield part


def per_id(
    name: str,
    keys: Keys,
    first: tuple[Argument, ...],
    ids: Iterable[bytes],
    words_of: type[W],
    *,
    dry_run: bool,
    size: int,
) -> Steps[dict[str, W]]:
    """The same move for each ID, up to `size` of them in a call. Each is answered with one of `words_of`."""
    outcomes: dict[str, W] = {}
    for raw in (part for chunk in chunked(ids, size) for part in bounded(chunk, [*map(len, chunk)])):
        words = yield of(name, keys, ("1" if dry_run else "", *first, *raw), list, dry=dry_run)
        outcomes.update(zip((decode_id(id) for id in raw), (words_of(word.decode()) for word in words), strict=True))
    return outcomes


def distinct(ids: Iterable[JobID]) -> list[bytes]:
    """Every ID once, all checked before the first is sent: the second of two equal ones would be told of the first."""
    return list(dict.fromkeys(encode_id(id) for id in checked_ids(ids)))


def sliced(
    names: Iterable[str], size: int, ask: Callable[[list[str]], Call[list[T]]], *beside: Call[Any]
) -> Rounds[tuple[list[T], list[Any]]]:
    """What a script over many queues answers for each of them, and the answers of the calls that go `beside` the first.

    Of each slice the script may answer for the first queues only; another round goes on behind them.
    """
    slices = [*chunked(checked_names(names), size)]
    found: list[list[T]] = [[] for _ in slices]
    others: list[Any] = []
    while left := [
        (so_far, whole[len(so_far) :]) for so_far, whole in zip(found, slices, strict=True) if len(so_far) < len(whole)
    ]:
        answers = yield [*(ask(queues) for _, queues in left), *beside]
        others, beside = answers[len(left) :] or others, ()
        for (so_far, _), answer in zip(left, answers, strict=False):
            so_far.extend(answer)
    if beside:
        others = yield [*beside]
    return [one for slice_ in found for one in slice_], others


def checked_ids(ids: Iterable[JobID]) -> Iterable[JobID]:
    return validation.many("ids", ids, "job IDs")


def checked_names(names: Iterable[str]) -> Iterable[str]:
    """Names of queues to go through. Raises InvalidOption."""
    return validation.many("names", names, "queue names")


def check_state(state: State, others: str = "") -> None:
    """Raise InvalidOption for what is no State."""
    validation.one_of("state", state, State, f"a State, like State.QUEUED{others and ','}{others}")


def milliseconds(name: str, seconds: Seconds) -> int:
    return round(validation.seconds(name, seconds) * 1000)
