"""What a publish has done, in words."""

from __future__ import annotations

from collections.abc import Iterable

from convoy_core import DelayPolicy, PayloadPolicy, Tally
from convoy_tui.text.words import number


def not_taken(
    tally: Tally, options: Iterable[str], queued: int, payload_policy: PayloadPolicy, delay_policy: DelayPolicy
) -> list[str]:
    """The options that not every ID took: a refused ID keeps its position, and what no policy lets it take.

    Of those that waited, `queued` are in the list.
    """
    timeless = tally.waiting if delay_policy is DelayPolicy.KEEP else queued
    others = {
        "delay": timeless + tally.running + tally.will_rerun,
        "front": tally.refused + tally.will_rerun,
        "payload": tally.refused if payload_policy is PayloadPolicy.KEEP else tally.running,
        "rerun": tally.running,
    }
    return [name for name in options if others[name]]


def tally_words(tally: Tally, *, dry_run: bool = False, is_exact: bool = True) -> str:
    """The tally as a sentence: how many were published, and why the others were refused."""
    published = "would be published" if dry_run else "published"
    parts = [f"{'' if is_exact else 'at least '}{number(tally.published)} {published}"]
    others = (
        (tally.will_rerun, "will run again"),
        (tally.waiting, "already waiting"),
        (tally.running, "already running"),
    )
    return ", ".join(parts + [f"{number(n)} {words}" for n, words in others if n])
