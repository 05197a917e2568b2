"""The exit codes, and the exit code and message of each error."""

from __future__ import annotations

from enum import IntEnum

from convoy_core import (
    ConvoyError,
    EmbeddedStoreError,
    HandlerNotFound,
    InvalidInput,
    OutcomeUnknown,
    ReadOnly,
    StoreDamaged,
    StoreFull,
    StoreRefused,
    StoreUnreachable,
)


class Code(IntEnum):
    """How a command ended."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    PARTLY = 5
    UNCONFIRMED = 6
    UNREACHABLE = 7
    WARNING = 10
    ALARM = 11
    TIMED_OUT = 124
    INTERRUPTED = 130


class Ended(Exception):
    """Ends a command with an exit code, the error, and advice on what to do next."""

    def __init__(self, code: Code, message: str, advice: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.advice = advice


_CODES: dict[type[Exception], Code] = {
    InvalidInput: Code.USAGE,
    HandlerNotFound: Code.USAGE,
    ReadOnly: Code.REFUSED,
    StoreRefused: Code.REFUSED,
    StoreUnreachable: Code.UNREACHABLE,
    OutcomeUnknown: Code.UNREACHABLE,
    StoreFull: Code.UNREACHABLE,
    EmbeddedStoreError: Code.UNREACHABLE,
    StoreDamaged: Code.UNEXPECTED,
}

_ADVICE: dict[type[Exception], str] = {
    OutcomeUnknown: "Repeating the command is safe: what was applied is not applied twice.",
    StoreFull: "Make room in the store, then repeat the command: what was applied is not applied twice.",
}


def ending(error: ConvoyError) -> Ended:
    """The exit code and the message for an error."""
    code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), Code.UNEXPECTED)
    advice = next((advice for kind, advice in _ADVICE.items() if isinstance(error, kind)), None)
    return Ended(code, str(error), advice)
