"""Hostile strings: whatever a client may have stored that could take over a terminal, or spoil its columns.

Each begins with a serial of its own, by which it is found on the screen; what follows is drawn by a seed.
"""

from __future__ import annotations

import random

CONTROLS = (
    b"\x1b]0;stolen title\x07",
    b"\x1b]52;c;c3RvbGVu\x07",
    b"\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    b"\x1b[2J\x1b[H",
    b"\x1b[38;5;199mpink",
    b"\x1b[777;7H",
    b"\x1b[?1049l",
    b"\x1b[6n",
    b"\x1b[21t",
    b"\x1bc",
    b"\x1bP$qm\x1b\\",
    b"\x1b_Gi=31;QUJD\x1b\\",
    b"\x1b#8",
    b"\x1b(0lqqk\x1b(B",
    b"\x1b[5i",
    b"\x1b[200~\x1b[201~",
    b"\x0e\x0f\x07\x08\x08\x7f",
    b"\r\n\t\x0b\x0c",
    b"\x00",
    "\x9b31m\x9d0;c1\x9c\x85".encode(),
)
TEXTS = (
    "\u202egnp.exe\u202c",
    "\u2066\u2067\u2068a\u2069\u200f\u200e\u061c",
    "\u200b\u200c\u200d\u2060\ufeff\u00ad",
    "日本語テキスト",
    "한국어",
    "\uff26\uff55\uff4c\uff4c",
    "e\u0301\u0300\u0302",
    "Z\u0351\u036b\u0343\u036a\u0302a\u033a\u0339l\u0348g\u0322o" * 3,
    "👩\u200d👩\u200d👧",
    "🇩🇪🇫🇷",
    "☃\ufe0f",
    "\u2028\u2029",
    "\U000e0041\U000e007f",
    "\u3164\uffa0\u115f",
    "مرحبا",
    "नमस्ते กขค".replace("\u0947", ""),  # pyte drops what follows a mark without a class
    "👍🏽",
    "a[/b]",
    "[red]x[/red]",
    "[@click=app.quit]x[/]",
    "[/",
    "[bold",
    "\\[",
    "$(reboot)`id`;'\"",
    "{0} %s {{x}}",
)
BROKEN = (b"\xff\xfe", b"\xc3(", b"\xe2\x82", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\x80\x81\x9b")
SERIAL_CELLS = 5


class Hostile:
    """Hostile strings in any number."""

    def __init__(self, seed: int = 12) -> None:
        self._dice = random.Random(seed)
        self.serials: dict[str, list[str]] = {}
        """Of each kind: the serials that have been given out."""

    def raw(self, kind: str, *, most: int = 6000) -> bytes:
        """A string of bytes, of which some are no UTF-8."""
        return self._serial(kind) + self._tail([*CONTROLS, *(text.encode() for text in TEXTS), *BROKEN], most)

    def text(self, kind: str, *, most: int = 6000) -> str:
        """A string that is UTF-8."""
        tail = self._tail([*CONTROLS, *(text.encode() for text in TEXTS)], most)
        return (self._serial(kind) + tail).decode("utf-8", "ignore")

    def id(self, kind: str, *, most: int = 6000) -> str:
        """A string as the library takes it: bytes that are no UTF-8 are surrogates."""
        return self.raw(kind, most=most).decode("utf-8", "surrogateescape")

    def _serial(self, kind: str) -> bytes:
        given = self.serials.setdefault(kind, [])
        given.append(f"{kind}{len(given):0{SERIAL_CELLS - len(kind)}}")
        return given[-1].encode() + b" "

    def _tail(self, parts: list[bytes], most: int) -> bytes:
        chosen = self._dice.choices(parts, k=self._dice.choice((1, 2, 3, 5)))
        if self._dice.random() < 0.03:
            chosen *= 400
        return b"".join(chosen)[:most]
