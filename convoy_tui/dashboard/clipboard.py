"""Sends bytes to the clipboard of the terminal, by OSC 52. No terminal says whether it has taken them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection

from convoy_tui.dashboard.board.spans import Tone
from convoy_tui.dashboard.services import Done
from convoy_tui.text.words import count

MOST = 100_000
"""The most bytes that are sent: most terminals ignore more."""


def copy_ids(ids: Collection[str], write: Callable[[str], object]) -> Done:
    """Send the IDs, one per line, to the byte as they are."""
    content = "\n".join(ids).encode("utf-8", "surrogateescape")
    if len(content) > MOST:
        return Done(
            f"{count(len(ids), 'ID is', 'IDs are')} too much for a clipboard; e saves them to a file.", Tone.WARNING
        )
    write(f"\x1b]52;c;{base64.b64encode(content).decode('ascii')}\a")
    note = "; some hold line breaks" if len(ids) > 1 and any("\n" in id for id in ids) else ""
    return Done(f"Sent {count(len(ids), 'ID')} to the terminal's clipboard, if it has one{note}. e saves to a file.")
