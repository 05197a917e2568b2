"""The options that every command takes, before its name or after it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from convoy_tui.cli.io.formats import Color, Format


@dataclass(frozen=True, slots=True)
class Flags:
    """The options that every command takes, before its name or after it."""

    redis: str | None = None
    prefix: str | None = None
    profile: str | None = None
    read_only: bool | None = None
    output: Format | None = None
    json: bool | None = None
    color: Color | None = None
    quiet: bool | None = None

    def over(self, outer: Flags) -> Flags:
        """These flags, with the outer ones where these are not set."""
        pairs = {field.name: (getattr(self, field.name), getattr(outer, field.name)) for field in fields(Flags)}
        return Flags(**{name: inner if inner is not None else outside for name, (inner, outside) in pairs.items()})
