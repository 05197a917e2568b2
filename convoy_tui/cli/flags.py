"""The options that every command takes, before its name or after it."""

from __future__ import annotations

from typing import NamedTuple

from convoy_tui.cli.io.formats import Color, Format


class Flags(NamedTuple):
    """The options that every command takes, before its name or after it."""

    redis: str | None = None
    prefix: str | None = None
    profile: str | None = None
    read_only: bool | None = None
    output: Format | None = None
    json: bool | None = None
    color: Color | None = None
    quiet: bool | None = None
    operator: str | None = None

    def over(self, outer: Flags) -> Flags:
        """These flags, with the outer ones where these are not set."""
        return outer._replace(**{name: value for name, value in self._asdict().items() if value is not None})
