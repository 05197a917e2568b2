"""A move of named or filtered IDs: states the exact effect, asks for confirmation, and does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice

from convoy_core import BATCH, InvalidInput, Queue, State, chunked
from convoy_tui.cli.bulk_moves import Move, Outcomes, Step, Work
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.filters import Window
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.ids_input import Source
from convoy_tui.cli.session import Session
from convoy_tui.cli.trial import TrialOptions, trial_steps
from convoy_tui.text.entry_filter import Filter

AT_ONCE = 5 * BATCH
"""IDs per step for a whole state: a step takes under a second, so that Ctrl-C takes effect."""


SEARCHED_AT_ONCE = 50
"""The same for IDs that the store must search for in the list."""


SOUGHT_AT_ONCE = 100_000
"""IDs per search of a dry run: each search reads the list from its head."""


@dataclass(slots=True)
class Choice:
    """The chosen IDs: named, or found by filters and kept, so that exactly the shown IDs are moved."""

    source: Source
    filter: Filter
    everything: bool
    limit: int | None
    group: str | None = None
    found: list[str] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        filtered = self.everything or not self.filter.is_empty or self.limit is not None or self.group is not None
        if self.source.is_given and filtered:
            raise InvalidInput("Give IDs or filters, not both.")
        if self.group is not None and not self.filter.is_empty:
            raise InvalidInput("--group goes with --limit and no other filter.")
        if not self.source.is_given and not filtered:
            raise InvalidInput("No IDs given; name them, or use --from FILE, - for stdin, --all or a filter.")

    @property
    def is_named(self) -> bool:
        """Whether the IDs were named one by one."""
        return self.source.is_given

    @property
    def is_whole_state(self) -> bool:
        """Whether all IDs of the state are chosen, so that no search is needed."""
        return self.everything and self.filter.is_empty and self.limit is None and self.group is None

    def find(self, queue: Queue, state: State) -> None:
        """Find the entries that match."""
        if self.group is not None:
            self.found = [*islice(queue.ids_of_group(self.group), self.limit)]
        elif not self.is_named:
            window = Window(queue, state, self.filter)
            if self.limit is None:
                self.found = [id for ids in window.ids() for id in ids]
            else:
                self.found = [entry.id for entry in window.entries(self.limit)]

    def blocks(self) -> Iterable[list[str]]:
        """The IDs in lists, as they arrive."""
        return self.source.blocks() if self.found is None else [self.found]


def move_selected(
    session: Session, move: Move, choice: Choice, *, yes: bool, dry_run: bool, trial: TrialOptions | None = None
) -> Code:
    """Move them, or with `trial` first some, and the others only if those went well."""
    if not dry_run:
        session.must_write()
    queue = session.queue(move.queue)
    work = Work(session, move, dry_run=dry_run)
    if choice.is_whole_state and move.loses and session.out.format not in (Format.IDS, Format.JSONL):
        return _discard_all(session, queue, move, work, yes=yes)
    choice.find(queue, move.state)
    if trial and choice.found is None:
        choice.found = list(dict.fromkeys(choice.source.ids()))
    if choice.found == []:
        raise work.nothing(f"Nothing that is {move.state} in {move.queue} matches.")
    if not (yes or dry_run) and (move.loses or not choice.is_named):
        _ask(session, queue, move, choice)
    if trial and not dry_run:
        steps: Iterable[Step] = trial_steps(session, queue, move, work, choice.found or [], trial)
    else:
        steps = _dry_steps(move, queue, choice) if dry_run else _steps(move, queue, choice)
    if choice.found is not None:
        return work.do(steps, len(choice.found), is_long=len(choice.found) > BATCH)
    source = choice.source
    return work.do(steps, source.size, is_long=source.is_long, reached=lambda: source.read)


def _discard_all(session: Session, queue: Queue, move: Move, work: Work, *, yes: bool) -> Code:
    """Discard a whole state without a list of its IDs, which takes seconds for a million."""
    n: int = getattr(queue.counts(), move.state.value)
    if not n:
        raise work.nothing(f"There is nothing {move.state} in {move.queue}.")
    if work.dry_run:
        return work.do([lambda: n], n, is_long=False)
    session.messages.confirm(move.effect(n, session.where), yes=yes)
    parts = (min(AT_ONCE, n - before) for before in range(0, n, AT_ONCE))
    steps = (partial(queue.discard_all, move.state, limit=part, keep=move.keep) for part in parts)
    return work.do(steps, n, is_long=n > AT_ONCE)


def _ask(session: Session, queue: Queue, move: Move, choice: Choice) -> None:
    """State the exact effect, from a dry run, and ask for confirmation. To requeue one ID needs none."""
    must_be_askable(choice.source)
    n = sum(outcome is move.done for step in _dry_steps(move, queue, choice) for outcome in step().values())
    if n > 1 or (n and move.loses):
        session.messages.confirm(move.effect(n, session.where), yes=False)


def must_be_askable(source: Source) -> None:
    """Raise Ended where nobody can be asked, since the IDs come from where the answer would."""
    if source.is_stdin:
        raise Ended(
            Code.UNCONFIRMED,
            "The IDs come from stdin, so the question cannot be asked there.",
            "Nothing changed. Answer with --yes, or look first with --dry-run.",
        )


def _steps(move: Move, queue: Queue, choice: Choice) -> Iterator[Callable[[], Outcomes]]:
    """The steps, one batch each."""
    # To find an ID deep in a long list takes the store milliseconds. Ctrl-C takes effect between two steps.
    size = SEARCHED_AT_ONCE if move.searches else BATCH
    return (partial(move.on, queue, ids) for block in choice.blocks() for ids in chunked(block, size))


def _dry_steps(move: Move, queue: Queue, choice: Choice) -> Iterator[Callable[[], Outcomes]]:
    """The steps of a dry run, which cost no more than the real ones."""
    ids = chain.from_iterable(choice.blocks())
    if move.loses and choice.found is not None:  # the IDs have just been read from the state
        return (partial(move.on_all, batch) for batch in chunked(ids))
    size = SOUGHT_AT_ONCE if move.searches else BATCH
    return (partial(move.on, queue, batch, dry_run=True) for batch in chunked(ids, size))
