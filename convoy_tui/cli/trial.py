"""A trial run of `requeue`: some IDs go ahead and are waited for, and the others follow only if all went well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import islice

from convoy_core import BATCH, Outcome, Queue, WaitResult, chunked
from convoy_tui.cli.bulk_moves import Move, Outcomes, Work
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.session import Session
from convoy_tui.text.words import count, duration, number

_SHOWN = 500


@dataclass(frozen=True, slots=True)
class TrialOptions:
    """How many go ahead, and how long they are waited for."""

    n: int
    timeout_s: float | None


def trial_steps(
    session: Session, queue: Queue, move: Move, work: Work, ids: list[str], options: TrialOptions
) -> Iterator[Callable[[], Outcomes]]:
    """The steps: those that go ahead, and once they have ended well the others. Raises Ended if they have not."""
    others = iter(ids)
    tried: list[str] = []
    while some := [*islice(others, options.n - len(tried))]:
        outcomes: dict[str, StrEnum] = {}
        yield partial(_note, outcomes, partial(queue.requeue, some, front=True))
        tried += [id for id, outcome in outcomes.items() if outcome is Outcome.QUEUED]
    rest = [*others]
    if tried:
        _wait(session, queue, work, tried, len(rest), options.timeout_s)
    yield from (partial(move.on, queue, batch) for batch in chunked(rest, BATCH))


def _note(outcomes: dict[str, StrEnum], act: Callable[[], Outcomes]) -> Outcomes:
    """Do this, and keep what came of it for the steps that follow."""
    outcomes.update(act())
    return outcomes


def _wait(session: Session, queue: Queue, work: Work, tried: list[str], n: int, timeout_s: float | None) -> None:
    session.messages.note(f"Waiting for {_named(tried)}, at the head of {queue.name}.")
    _warn_if_nobody_works(session, queue)
    trial: dict[str, object] = {"tried": tried, "failed": [], "left": [], "error": None}
    work.more["trial"] = trial
    result = queue.wait(tried, timeout_s=timeout_s, first_failure=True)
    trial |= {"failed": [*result.failed], "left": [*result.left]}
    if not result.failed and not result.left:
        return
    stays = f"The other {number(n)} {'stays' if n == 1 else 'stay'} failed." if n else "There are no others."
    if result.failed:
        id, error = result.failed[0], _new_error(queue, result)
        trial["error"] = error
        raise Ended(Code.PARTLY, f"{id} failed again: {error}", f"{stays} More: convoy show {queue.name} {id}")
    waits = f"{_named([*result.left])} still waited or ran after {duration(timeout_s or 0)}"
    raise Ended(Code.TIMED_OUT, waits, f"{stays} What went ahead runs when its turn comes.")


def _new_error(queue: Queue, result: WaitResult) -> str:
    failure = queue.show(result.failed[0]).failure
    return failure.error[:_SHOWN] if failure else "a Node worker wrote no reason down"


def _warn_if_nobody_works(session: Session, queue: Queue) -> None:
    snapshot = queue.snapshot()
    if snapshot.paused:
        session.messages.warn(f"{queue.name} is paused, so no Convoy worker takes it: convoy resume {queue.name}")
    elif not snapshot.workers:
        session.messages.warn(f"No Convoy worker is alive on {queue.name}. This goes on waiting; nothing is lost.")


def _named(ids: list[str]) -> str:
    return ids[0] if len(ids) == 1 else count(len(ids), "ID")
