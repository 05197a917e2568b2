"""What publishing an ID would answer, in words."""

from __future__ import annotations

from convoy_core import Published


def answer_words(answer: Published, way_to_rerun: str = "--rerun has it run once more") -> str:
    """The answer of a dry run for one ID, for people."""
    match answer:
        case Published.QUEUED:
            return "queue it"
        case Published.DELAYED:
            return "queue it for later"
        case Published.WILL_RERUN:
            return "have it run again"
        case Published.ALREADY_QUEUED | Published.ALREADY_DELAYED:
            return "be refused: already waiting"
        case Published.PROCESSING:
            return f"be refused: already running ({way_to_rerun})"
