"""What `--otel` and CONVOY_OTEL ask for. It is loaded with every command, so that it loads nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from convoy_core import InvalidOption


class OtelSpans(StrEnum):
    """What the spans of OpenTelemetry tell."""

    IDS = "ids"
    NO_IDS = "no-ids"


def otel_spans(environ: Mapping[str, str]) -> OtelSpans | None:
    """What CONVOY_OTEL asks for. Raises InvalidOption."""
    word = environ.get("CONVOY_OTEL", "")
    if word and word not in [*OtelSpans]:
        raise InvalidOption(f"CONVOY_OTEL is {word!r}; it must be ids or no-ids.")
    return OtelSpans(word) if word else None
