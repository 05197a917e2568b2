"""Make text from the store safe and visible on a terminal.

Rule: text from the store, a file or an argument reaches a terminal only through `safe`. Its result holds no character
that moves the cursor, changes the direction of text, has no width or is invisible.
"""

from __future__ import annotations

import codecs
import re

_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: terminals execute them
    "\u2028\u2029"  # line and paragraph separators
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidi controls: they make one ID look like another
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # invisible: one ID looks like another
    "\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"
    "\ufe00-\ufe0f\U000e0100-\U000e01ef"  # variation selectors: invisible, and their width differs between terminals
    "\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff"  # letters of flags, and skin tones: as wide as each terminal likes
    "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # annotation, shorthand and musical controls
    "\U000e0000-\U000e0fff"  # tag characters
    "\ud800-\udfff"  # lone surrogates; \udc80-\udcff stand for bytes that were not UTF-8
    "]"
)
SHOWABLE = "convoy.showable"
"""Name of the error handler for characters that an encoding lacks: it writes a similar character or an escape."""

_LOOKALIKES = dict(zip("…—·━◆■✖▲▬◔≠△‖◫◌●◇○┄", "~-|-%#x^-@!+=|:ov.~", strict=True))
"""ASCII replacements of the same width for the signs that Convoy itself writes."""

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


_encoding: str | None = None


def show_only(encoding: str | None) -> None:
    """From now on let `safe` escape the characters that this encoding lacks. None lacks no character."""
    global _encoding  # noqa: PLW0603 - the encoding of the terminal is the same for the whole process
    _encoding = encoding


def safe(text: str, width: int | None = None) -> str:
    r"""The text with every unsafe character as a visible escape, cut in the middle with `…` to `width` cells.

    Bytes that were not UTF-8 become ``\x80`` to ``\xff``, so the control characters of these numbers become
    ``\u0080`` to ``\u009f``.

    >>> safe("a\x1b[31mb\u202ec")
    'a\\x1b[31mb\\u202ec'
    >>> safe("mail:88412@example.org", 12)
    'mail:8…e.org'
    """
    if width is None:
        return text if text.isascii() and text.isprintable() else _shown(_UNSAFE.sub(_escape, text))
    too_long = len(text) > 4 * width + 4
    if too_long:  # another client may have stored megabytes; do not escape the part that is cut off
        text = text[: 2 * width + 2] + text[-2 * width - 2 :]
    text = _shown(_UNSAFE.sub(_escape, text))
    if not too_long and len(text) <= width and text.isascii():
        return text
    from rich.cells import cell_len  # noqa: PLC0415 - few texts need it, and help and version none

    return _clip(text, width) if too_long or cell_len(text) > width else text


def _shown(text: str) -> str:
    if _encoding is None or text.isascii():
        return text
    return text.encode(_encoding, SHOWABLE).decode(_encoding)


def _showable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_LOOKALIKES.get(character) or _escaped(character) for character in missing), error.end


codecs.register_error(SHOWABLE, _showable)


def _escape(match: re.Match[str]) -> str:
    return _escaped(match[0])


def _escaped(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _clip(text: str, width: int) -> str:
    """Keep the beginning and the end, where IDs differ."""
    if width <= 0:
        return ""
    from rich.cells import split_graphemes  # noqa: PLC0415 - see above

    room = width - 1  # for the ellipsis
    spans, _ = split_graphemes(text)
    head = _fitting([(end, cells) for _, end, cells in spans], (room + 1) // 2)
    tail = _fitting([(len(text) - start, cells) for start, _, cells in reversed(spans)], room // 2)
    return text[: min(head, len(text))] + "…" + (text[-tail:] if tail else "")


def _fitting(pieces: list[tuple[int, int]], room: int) -> int:
    """How many characters fit into `room` cells. A piece is its end position and its number of cells."""
    length = 0
    for reach, cells in pieces:
        room -= cells
        if room < 0:
            break
        length = reach
    return length
