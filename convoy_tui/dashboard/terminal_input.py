"""From the bytes that a terminal sends to Textual's messages: no byte ends it, and pasted text is taken as it is.

Textual's own parser raises for some sequences, and takes those inside a paste for keys. So pastes are cut out before
it, and it is replaced by a new one when it fails. Bytes that are no UTF-8 are kept as `surrogateescape` has them.
"""

from __future__ import annotations

import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial

from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message
from textual.messages import InBandWindowResize

_START = "\x1b[200~"
_END = "\x1b[201~"
_OVERDUE_S = 2.0
"""A paste of which nothing more has come for so long is over: its end was lost, and every key would go into it."""
_UNASKED = (events.Resize, events.CursorPosition, InBandWindowResize)
"""Answers to questions that are never asked. A forged size could ask for a screen of any number of cells."""


class TerminalInput:
    """Reads one terminal. `feed` takes what has come, `tick` is called when nothing has come for a moment."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._decoder = getincrementaldecoder("utf-8")("surrogateescape")
        self._parser = XTermParser()
        self._seen = ""
        """The part of `_START` that has come last."""
        self._paste: list[str] | None = None
        """The text of the paste that is under way."""
        self._fed_at = 0.0

    def feed(self, data: bytes, *, final: bool = False) -> Iterator[Message]:
        """The messages that these bytes complete."""
        self._fed_at = self._clock()
        text = self._decoder.decode(data, final)
        while text:
            if self._paste is None:
                text = yield from self._outside(text)
            else:
                text = yield from self._inside(text)

    def tick(self) -> Iterator[Message]:
        """The messages that waiting completes: Esc alone, a sequence that breaks off, a paste without an end."""
        if self._paste is not None:
            if self._clock() - self._fed_at > _OVERDUE_S:
                yield self._pasted(len(_END))
            return
        for message in self._parsed(self._parser.tick):
            self._seen = ""  # the parser has given up on it as well
            yield message

    def _outside(self, text: str) -> Generator[Message, None, str]:
        """Keys and reports, up to the start of a paste. Returns what comes after that."""
        before, text = len(self._seen), self._seen + text
        start = text.find(_START)
        end = len(text) if start < 0 else start + len(_START) - 1
        for piece in _pieces(text[before:end]):
            yield from self._parsed(partial(self._parser.feed, piece))
        if start < 0:
            self._seen = _beginning(text)
            return ""
        self._renew()  # it holds all of the sequence but its last character
        self._seen, self._paste = "", []
        return text[end + 1 :]

    def _inside(self, text: str) -> Generator[Message, None, str]:
        """A paste, up to its end. Returns what comes after that."""
        assert self._paste is not None  # noqa: S101 - else this is not called
        self._paste.append(text)
        if _END not in "".join(self._paste[-len(_END) :]):
            return ""
        whole = "".join(self._paste)
        end = whole.index(_END)
        self._paste = [whole[:end]]
        yield self._pasted()
        return whole[end + len(_END) :]

    def _pasted(self, room: int = 0) -> events.Paste:
        text, self._paste = "".join(self._paste or ()), None
        for size in range(min(room, len(text)), 0, -1):  # what has come of the end is no text
            text = text.removesuffix(_END[:size])
        return events.Paste(text)

    def _parsed(self, run: Callable[[], Iterable[Message]]) -> Iterator[Message]:
        try:
            for message in run():
                if not isinstance(message, _UNASKED):
                    yield message
        except Exception:  # noqa: BLE001 - whatever a sequence has led to: it means nothing, and the next one may
            self._renew()

    def _renew(self) -> None:
        old, self._parser = self._parser, XTermParser()
        self._parser.last_x, self._parser.last_y = old.last_x, old.last_y


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces of which all but the first begin with Esc, so that a bad sequence takes little with it."""
    first, *others = text.split("\x1b")
    if first:
        yield first
    yield from ("\x1b" + other for other in others)


def _beginning(text: str) -> str:
    """The longest end of the text with which the start of a paste may begin."""
    return next((_START[:size] for size in range(len(_START) - 1, 0, -1) if text.endswith(_START[:size])), "")
