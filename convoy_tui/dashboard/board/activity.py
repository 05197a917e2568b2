"""What operators have done: the columns of the list, its filter, and all that is known of one act. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from convoy_core import AuditEntry
from convoy_tui.dashboard.board.aftermath import Aftermath, counted, how
from convoy_tui.dashboard.board.cells import Align, Column
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Line, Span, Tone, clip, line, wrap
from convoy_tui.text.limits import in_short, in_words
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, clock, count, number

MOST = 5_000
"""Acts that are kept and shown, the newest."""

UNDOABLE = frozenset({"requeue", "pause", "resume", "limit"})
"""The verbs of what can be undone."""

_PLAIN = frozenset(
    {"paused", "resumed", "limited", "lifted", "acknowledged", "ended", "set", "host", "worker"}
    | {"owner", "runbook", "note"}
)
"""Outcomes of acts on a queue as a whole: these are not counted."""

_PAST = {
    "requeue": "requeued",
    "discard": "discarded",
    "cancel": "cancelled",
    "jam_guard": "freed",
    "repair": "repaired",
    "work": "started workers for",
    "withdraw": "took back",
    "pause": "paused",
    "resume": "resumed",
    "limit": "limited",
    "ack": "acknowledged the trouble of",
    "unack": "took back what was acknowledged of",
    "describe": "described",
    "quiet": "had nobody there claim from",
    "unquiet": "let claim again from",
    "version": "set the lowest version of",
}

_NAMED = {"work": " pools   ", "quiet": " whom    ", "unquiet": " whom    ", "version": " version "}
"""What the samples of an act are called that are no IDs."""


@dataclass(frozen=True, slots=True)
class Act:
    """One act, as it was known at the time `at` of the store."""

    entry: AuditEntry
    at: float

    @property
    def key(self) -> str:
        """What names it while further parts of the same operation are added to it."""
        each = self.entry
        return f"{each.at:.3f} {each.operation} {each.verb} {each.queue}"


def merged(known: dict[str, AuditEntry], new: Iterable[AuditEntry]) -> dict[str, AuditEntry]:
    """What was known, with what is new: an act to which a part was added takes the place of what was known of it."""
    entries = known | {Act(entry, 0.0).key: entry for entry in new}
    if len(entries) <= MOST:
        return entries
    newest = sorted(entries.values(), key=lambda entry: entry.at)[-MOST:]
    return {Act(entry, 0.0).key: entry for entry in newest}


def outcome(entry: AuditEntry) -> str:
    """What became of how many, or what limits the queue since."""
    if entry.after is not None:
        return in_short(entry.after)
    parts = [word if word in _PLAIN else f"{number(n)} {word}" for word, n in entry.outcomes.items()]
    return ", ".join(parts)


# -- the filter


def fits(entry: AuditEntry, wanted: str) -> bool:
    """Whether every word of the filter is found in the act; `who:`, `queue:` and `act:` look in one place alone.

    Words are compared with what is shown, so that what is read can be typed.
    """
    if not wanted:
        return True
    places = {"who": safe(entry.who), "queue": safe(entry.queue), "act": safe(entry.verb)}
    rest = [safe(entry.reason), entry.face, outcome(entry), *map(safe, entry.samples)]
    everything = "\n".join([*places.values(), *rest]).lower()
    for word in wanted.lower().split():
        place, colon, text = word.partition(":")
        is_found = text in places[place].lower() if colon and place in places else word in everything
        if not is_found:
            return False
    return True


def newest_first(entries: Iterable[AuditEntry], wanted: str) -> tuple[AuditEntry, ...]:
    """Those that fit the filter. It takes a while for many: the answer is to be kept."""
    return tuple(sorted((entry for entry in entries if fits(entry, wanted)), key=_newness))


def _newness(entry: AuditEntry) -> tuple[float, list[int], str]:
    return -entry.at, [-int(n) for n in entry.place.split("-")], Act(entry, 0.0).key


# -- the columns


def _when(act: Act, glyphs: Glyphs, width: int) -> Span:
    return Span(age(max(0.0, act.at - act.entry.at)), Tone.DIM)


def _clock(act: Act, glyphs: Glyphs, width: int) -> Span:
    return Span(clock(act.entry.at, "%m-%d %H:%M:%S"), Tone.DIM)


def _who(act: Act, glyphs: Glyphs, width: int) -> Span:
    return Span(safe(act.entry.who, width))


def _face(act: Act, glyphs: Glyphs, width: int) -> Span:
    return Span(safe(act.entry.face, width), Tone.DIM)


def _queue(act: Act, glyphs: Glyphs, width: int) -> Span:
    return Span(safe(act.entry.queue, width))


def _verb(act: Act, glyphs: Glyphs, width: int) -> Span:
    loses = act.entry.verb in ("discard", "cancel")
    return Span(safe(act.entry.verb, width), Tone.WARNING if loses else Tone.STRONG)


def _done(act: Act, glyphs: Glyphs, width: int) -> Span:
    return Span(safe(outcome(act.entry), width))


def _ids(act: Act, glyphs: Glyphs, width: int) -> Span:
    """As many as fit whole, and how many more there are; else the first one, cut short in front of that."""
    told = (names(act.entry, n) for n in range(len(act.entry.samples), 0, -1))
    fitting = next((text for text in told if cell_len(text) <= width), None)
    if fitting is None and act.entry.samples:
        rest = f" +{number(act.entry.count - 1)}" if act.entry.count > 1 else ""
        fitting = safe(act.entry.samples[0], width - cell_len(rest)) + rest
    return Span(safe(fitting or "", width), Tone.DIM)


def _reason(act: Act, glyphs: Glyphs, width: int) -> Span:
    return Span(safe(act.entry.reason, width), Tone.DIM)


def names(entry: AuditEntry, most: int = 10) -> str:
    """Some of the IDs, and how many more there are."""
    shown = entry.samples[:most]
    more = entry.count - len(shown)
    rest = f" and {number(more)} more" if shown and more > 0 else ""
    return ", ".join(safe(id, 40) for id in shown) + rest


def columns(width: int) -> tuple[Column[Act], ...]:
    """The columns of a table of this width."""
    wide = width >= 100
    return (
        Column("AGO", 6, _when),
        Column("UTC", 14, _clock, Align.LEFT, least=100),
        Column("WHO", 18 if wide else 12, _who, Align.LEFT),
        Column("BY", 12, _face, Align.LEFT, least=130),
        Column("QUEUE", max(12, min(28, width // 5)), _queue, Align.LEFT, is_name=True),
        Column("ACT", 9, _verb, Align.LEFT),
        Column("DONE", 20 if wide else 0, _done, Align.LEFT),
        Column("IDS", 0, _ids, Align.LEFT, least=100),
        Column("REASON", 24, _reason, Align.LEFT, least=150),
    )


# -- one act


def sheet(act: Act, after: Aftermath | None, width: int) -> list[Line]:
    """What is known of an act: who did what, when, why, to which IDs, and what has become of these."""
    entry, room = act.entry, max(20, width - 2)
    did = _PAST.get(entry.verb, safe(entry.verb, 20))
    what = f" {count(entry.count, 'ID')} of" if entry.samples and entry.verb not in _NAMED else ""
    head = f"{safe(entry.who, 60)} {did}{what} {safe(entry.queue, 60)}"
    took = age(entry.until - entry.at) if entry.until - entry.at >= 1 else ""
    when = f"{clock(entry.at)} UTC, {age(max(0.0, act.at - entry.at))} ago" + (f"; it took {took}" if took else "")
    lines = [line((f" {part}", Tone.STRONG)) for part in wrap(head, room)[:2]]
    lines += _wrapped(" when    ", f"{when}, by the {safe(entry.face, 20)}", room, 2)
    if entry.reason:
        lines.append(line((" why     ", Tone.DIM), safe(entry.reason, room - 9)))
    if entry.before is not None and entry.after is not None:
        change = f"{in_words(entry.before)}; since then {in_words(entry.after)}"
        lines += _wrapped(" before  ", change, room, 2)
    else:
        lines.append(line((" done    ", Tone.DIM), safe(outcome(entry), room - 9)))
    if after is not None:
        lines.append(line((" since   ", Tone.DIM), *counted(after)))
        if after.how:
            lines.append(line((" again   ", Tone.DIM), (how(after, room - 9), Tone.WARNING)))
    if entry.samples:
        lines += _wrapped(_NAMED.get(entry.verb, " IDs     "), names(entry), room, 3)
    lines += _undo(entry, room)
    return [clip(spans, width) for spans in lines]


def _undo(entry: AuditEntry, room: int) -> Sequence[Line]:
    if entry.verb in UNDOABLE:
        told = Span(" undo; first it is shown what that would do", Tone.DIM, "U")
        return [line(" ", Span("[U]", Tone.KEY, "U"), told)]
    return [line((f" {part}", Tone.DIM)) for part in wrap(no_undo(entry), room)]


def no_undo(entry: AuditEntry) -> str:
    """Why an act of this kind cannot be undone, or by which command."""
    queue = safe(entry.queue, 60)
    commands = {
        "ack": f"convoy ack {queue} --end",
        "describe": f"convoy describe {queue}",
        "version": f"convoy describe {queue} --lowest-version",
        "quiet": "convoy unquiet",
        "unquiet": "convoy quiet",
    }
    if entry.verb in commands:
        return f"This is taken back with `{commands[entry.verb]}`."
    because = {
        "discard": "its IDs are forgotten",
        "cancel": "its IDs are forgotten, and what ran was stopped",
        "work": "workers are stopped where they were launched",
        "withdraw": "requeue the IDs again",
    }
    why = because.get(entry.verb)
    return f"This cannot be undone: {why}." if why else "This cannot be undone."


def _wrapped(label: str, text: str, room: int, most: int) -> Sequence[Line]:
    parts = wrap(text, room - len(label))
    shown = parts[:most]
    if len(parts) > most:
        shown[-1] += " …"
    return [line((label if not n else " " * len(label), Tone.DIM), part) for n, part in enumerate(shown)]
