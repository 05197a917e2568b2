"""What operators say about a queue, as calls: that they know of its trouble, who answers for it, what to do. No I/O."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Final

from convoy_core import validation
from convoy_core.about import MAX_NOTE, MAX_OWNER, MAX_RUNBOOK, MAX_WORD, MAX_WORDS
from convoy_core.moves.auditing import signature
from convoy_core.moves.call import Call, of
from convoy_core.moves.keys import Keys
from convoy_core.operators import MAX_REASON
from convoy_core.validation import Seconds

LONGEST_S: Final = 366 * 86_400.0
"""The longest acknowledgement."""


def acknowledge(keys: Keys, for_s: Seconds, note: str, words: Iterable[str], *, by: str = "") -> Call[bool]:
    """Have trouble of these words not told for a time. The answer says whether some was acknowledged before."""
    ms = math.ceil(validation.seconds("for_s", for_s, above_zero=True) * 1000)
    if ms > LONGEST_S * 1000:
        raise validation.refusal("for_s", for_s, "a time of at most 366 days")
    validation.short_text("note", note, MAX_NOTE)
    told = ",".join(_words(words))
    who = signature(by.encode()).get("who", "")
    return of("acknowledge", keys, (_because(by, note), who, ms, told, note), bool)


def _words(words: Iterable[str]) -> list[str]:
    given: list[object] = [*validation.many("words", words, "health words")]
    if len(given) > MAX_WORDS:
        raise validation.refusal("words", given, f"at most {MAX_WORDS} health words")
    told: list[str] = []
    for word in given:
        if not (isinstance(word, str) and re.fullmatch(rf"[A-Za-z][A-Za-z _-]{{0,{MAX_WORD - 1}}}", word)):
            raise validation.refusal("A word of words", word, "a health word, like 'NO WORKERS'")
        told.append(word)
    return told


def _because(by: str, note: str) -> str:
    """The signature, with the note for its reason where it has none: the audit tells why."""
    fields = signature(by.encode())
    if not fields or fields.get("reason") or not note:
        return by
    return json.dumps({**fields, "reason": note[:MAX_REASON]}, separators=(",", ":"))


def end_acknowledgement(keys: Keys, *, by: str = "") -> Call[bool]:
    """Have it told again. The answer says whether anything was acknowledged."""
    return of("end_acknowledgement", keys, (by,), bool)


def describe(keys: Keys, owner: str | None, runbook: str | None, note: str | None, *, by: str = "") -> Call[bool]:
    """Keep who answers for a queue, where it is told what to do, and a note. The answer says whether that changed."""
    fields: list[str] = []
    for name, value, most in (("owner", owner, MAX_OWNER), ("runbook", runbook, MAX_RUNBOOK), ("note", note, MAX_NOTE)):
        if value is not None:
            fields += [name, validation.short_text(name, value, most)]
    if runbook and not re.fullmatch(r"https?://[^\s/]\S*", runbook):
        raise validation.refusal("runbook", runbook, "an address that begins with https:// or http://")
    return of("describe", keys, (by, *fields), bool)
