"""The drawing characters: Unicode, or ASCII only. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_BLOCKS = "▁▂▃▄▅▆▇█"
_PLAIN_BLOCKS = "_.:-=+*#"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The drawing characters: Unicode, or ASCII only."""

    is_ascii: bool = False

    @property
    def blocks(self) -> str:
        """The characters for eight heights of a bar."""
        return _PLAIN_BLOCKS if self.is_ascii else _BLOCKS

    def pick(self, sign: str, plain: str) -> str:
        """`sign`, or `plain` where only ASCII is drawn."""
        return plain if self.is_ascii else sign
