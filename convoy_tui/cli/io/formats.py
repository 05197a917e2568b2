"""How an answer is written, and when it is coloured: what the options are checked against."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """How the answer is written."""

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
