"""The formats of an answer and the choices for colour."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """The format of the answer."""

    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"
    JSONL = "jsonl"
    IDS = "ids"


class Color(StrEnum):
    """When to colour."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"
