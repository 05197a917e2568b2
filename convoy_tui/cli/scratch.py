"""The scratch queues of `demo` and `bench`: never in production, and erased whichever way the command ends."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from convoy_core import InvalidOption, StoreError
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.session import Session
from convoy_tui.text.words import is_production

if TYPE_CHECKING:
    from convoy_core import Fleet

_ENDING: Final = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""A closed terminal sends the last."""


@contextmanager
def scratch_fleet(session: Session, prefix: str) -> Iterator[Fleet]:
    """The fleet of the session's store under that prefix. Raises Ended where the store is not for trying things out."""
    from convoy_core import Fleet  # noqa: PLC0415 - loads redis, and the help of a command needs none

    session.must_write()
    if is_production(session.settings.environment):
        raise Ended(
            Code.REFUSED,
            f"{session.where} is marked as {session.settings.environment}; nothing is tried out there.",
            "Choose another store with --redis or --profile.",
        )
    if session.flags.prefix is not None:
        raise InvalidOption(f"--prefix does not fit here: the queues have the prefix {prefix}, and are erased.")
    with Fleet(redis=session.store.url, prefix=prefix) as fleet:
        yield fleet


@contextmanager
def erased_afterwards(fleet: Fleet, names: Callable[[], list[str]]) -> Iterator[None]:
    """Erase these queues in the end, also after Ctrl-C, SIGTERM and a closed terminal; a second signal changes nothing.

    They are erased first as well: whatever is left of them is that of a killed command.
    """
    from convoy_core import erase_scratch  # noqa: PLC0415 - as above

    erase_scratch(fleet, names())  # which also shows that this user may
    before: dict[signal.Signals, Any] = {number: signal.getsignal(number) for number in _ENDING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # as under `nohup`
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        with suppress(StoreError):  # the command says by itself that the store is away
            erase_scratch(fleet, names())
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
