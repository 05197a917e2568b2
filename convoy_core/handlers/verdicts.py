"""From what a handler returned or raised to the verdict on its run.

A handler is the user's code, and so is all that it returns: whatever that is, of any type and with any methods, at
worst this one run has failed, with a sentence that says why.
"""

from __future__ import annotations

import json
import math
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Final

from convoy_core.backoff import Backoff
from convoy_core.failure_groups import what_broke
from convoy_core.handlers.functions import Raised
from convoy_core.handlers.run import Run, RunFailed
from convoy_core.jobs import Claim, Discard, Failed, Retry, Verdict
from convoy_core.options import PoolOptions

MAX_ERROR: Final = 2048
"""Bytes of an error's text that are kept."""

MAX_RECORD: Final = 4096 - 32
"""Bytes of all that is kept of a failure; the rest of 4 KiB is for the time, which the store adds."""

_MAX_SHOWN = 200
"""Characters of a wrong answer that its sentence quotes."""


_UNSTARTED: Final = (AsyncGeneratorType, CoroutineType, GeneratorType)


@dataclass(frozen=True, slots=True)
class VerdictRules:
    """What a verdict depends on besides the run: the pool's worker, and its settings."""

    worker: str
    retries: int
    options: PoolOptions

    def verdict(self, result: object, run: Run) -> Verdict:
        """The verdict on a run that has just ended with `result`."""
        if result is None:
            return "completed"
        try:
            if type(result) is not Raised:
                return checked(result) or "completed"
            error = result.error
        except BaseException as raised:  # noqa: BLE001 - the user's code again: a property, `__class__`
            error = raised
        return self.failed(error, run.claim, time.monotonic() - run.started)

    def failed(self, error: BaseException, claim: Claim, seconds: float) -> Failed:
        """The verdict on a run that ended with `error`."""
        text, printed = describe(error), trace(error)
        # The first two stand where a script finds them without reading the rest.
        record = {"group": what_broke(text, printed), "attempt": claim.attempts + 1, "error": "", "worker": self.worker}
        record |= {"seconds": round(seconds, 3)}
        record["error"] = _fit(text, MAX_RECORD - _size(record))
        record |= {"traceback": ""}
        record["traceback"] = _fit(printed, MAX_RECORD - _size(record), keeps_end=True)
        retry_ms = backoff_ms(claim.attempts, self.options) if claim.attempts < self.retries else None
        return Failed(text, json.dumps(record, ensure_ascii=False), retry_ms)


def checked(result: object) -> Retry | Discard | None:
    """What a handler asks for by returning this, in a form that can be written down; None: it is done.

    Raises RunFailed where it must mean something and cannot.
    """
    if result is Retry or result is Discard:
        raise RunFailed(f"the handler returned the class {_shown(result)}; it must return a call of it")
    kind = type(result)  # isinstance would ask the object itself as well
    if issubclass(kind, _UNSTARTED):
        shown = _shown(result)
        if isinstance(result, CoroutineType):
            result.close()  # or Python would warn that nobody has awaited it
        raise RunFailed(
            f"the handler returned {shown}, of which nothing has run; it must be a plain function that returns when the"
            " work is done, or an `async def`"
        )
    if issubclass(kind, Retry) and isinstance(result, Retry):
        return Retry(_seconds(result.after_s), _reason(result))
    if issubclass(kind, Discard) and isinstance(result, Discard):
        return Discard(_reason(result))
    return None


def _reason(result: Retry | Discard) -> str:
    return shortened(_text(lambda: str(result.reason)))


def _seconds(after_s: object) -> float | None:
    if after_s is None:
        return None
    if isinstance(after_s, timedelta):
        after_s = after_s.total_seconds()
    if not isinstance(after_s, int | float) or isinstance(after_s, bool) or not -math.inf < after_s < 10**9:
        raise RunFailed(
            f"the handler returned Retry({_shown(after_s)}); it must be a number of seconds below a billion, or a"
            " timedelta"
        )
    return max(0.0, float(after_s))


def describe(error: BaseException) -> str:
    """`ValueError: text`, whatever the exception's own methods do."""
    text = _text(lambda: str(error), "(this exception cannot be printed)")
    if issubclass(type(error), RunFailed):
        return shortened(text)
    name = _text(lambda: type(error).__name__, "an exception")
    return shortened(f"{name}: {text}" if text else name)


def trace(error: BaseException) -> str:
    """The end of its traceback, which names the line that raised, from the handler's own frame on."""
    if isinstance(error, RunFailed):
        return shortened(_text(lambda: error.remote_traceback, ""), MAX_RECORD, keeps_end=True)
    frames = error.__traceback__
    if frames is not None and frames.tb_next is not None:
        frames = frames.tb_next  # the first is the call in `handlers`, which tells nobody anything

    def printed() -> str:
        return "".join(traceback.format_exception(type(error), error, frames, limit=-100))

    return shortened(_text(printed, ""), MAX_RECORD, keeps_end=True)


def backoff_ms(failures: int, options: PoolOptions) -> int:
    """Delay before the next attempt, so that a crowd of failures spreads out (see `Backoff`)."""
    return round(Backoff(options.backoff_s, options.backoff_cap_s).spread_s(failures) * 1000)


def shortened(text: str, size: int = MAX_ERROR, *, keeps_end: bool = False) -> str:
    """At most `size` bytes of text that UTF-8 can hold; undecodable bytes of an ID in it become escapes."""
    part = slice(-size, None) if keeps_end else slice(size)
    return text[part].encode("utf-8", "backslashreplace")[part].decode("utf-8", "ignore")


def _text(make: Callable[[], str], otherwise: str = "(this cannot be printed)") -> str:
    """What `make` makes, as plain text, whatever a handler's own methods do (F62)."""
    with suppress(BaseException):
        return str.__getitem__(make(), slice(None))  # plain even of a subclass, whose methods may do anything as well
    return otherwise


def _shown(value: object) -> str:
    if value is Retry or value is Discard:
        return "Retry" if value is Retry else "Discard"
    text = _text(lambda: repr(value), "something that cannot be printed")
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _size(record: object) -> int:
    return len(json.dumps(record, ensure_ascii=False).encode())


def _fit(text: str, room: int, *, keeps_end: bool = False) -> str:
    """As much of the text as JSON needs `room` bytes for, besides its quotes."""
    while text and (excess := _size(text) - 2 - room) > 0:
        n = max(1, excess // 6)  # no character takes more
        text = text[n:] if keeps_end else text[:-n]
    return text
