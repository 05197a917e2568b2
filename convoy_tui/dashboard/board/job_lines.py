"""One ID in lines: where it is, who holds it, its timeline, its last error, its payload, its recorded moves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from convoy_core import Details, RecordedMove, Recording, State, WorkerInfo
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.payload_lines import payload_heading, payload_lines
from convoy_tui.dashboard.board.spans import Line, Span, Tone, fold, line, wrap
from convoy_tui.dashboard.board.traceback_lines import traceback_lines
from convoy_tui.text.publish_words import answer_words
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, due_in, number
from convoy_tui.text.workers import holder

_LABEL = 12


@dataclass(frozen=True, slots=True)
class JobReading:
    """One ID of one queue at one instant, or nearly."""

    details: Details
    pools: Mapping[str, WorkerInfo] | None = None
    """The registered pools by their IDs; None where nobody has asked."""
    recording: Recording | None = None
    moves: tuple[RecordedMove, ...] = ()
    """The last recorded moves of this ID, oldest first."""

    @property
    def pool(self) -> WorkerInfo | None:
        """The pool that holds it, if it is registered."""
        return (self.pools or {}).get(self.details.worker or "")

    def named(self, worker: str) -> str:
        """A pool for people: its host and process, or the first digits of its ID once nobody can tell them."""
        pool = (self.pools or {}).get(worker)
        if pool is not None:
            return holder(pool)
        return f"pool {worker[:8]}" + (", gone" if self.pools is not None else "")


def when(at: float, now: float) -> str:
    """A time in the local zone, with its date unless it is of the last 20 hours, and how long ago it was."""
    try:
        local = datetime.fromtimestamp(at).astimezone()
    except (ValueError, OverflowError, OSError):
        return f"{at:g}"
    clock = local.strftime("%H:%M:%S" if abs(now - at) < 72_000 else "%Y-%m-%d %H:%M")
    return f"{clock}  {age(now - at)} ago" if at <= now else f"{clock}  {due_in(at - now)}"


def headline(job: JobReading, jam_after_s: float, glyphs: Glyphs) -> Line:
    """The state of the ID, and whether it can be published."""
    details = job.details
    state, tone = _state(details, jam_after_s, glyphs)
    answer = answer_words(details.publish_would, "R has it run once more")
    return line(" ", (state, tone), ("   publishing it now would ", Tone.DIM), answer)


def _state(details: Details, jam_after_s: float, glyphs: Glyphs) -> tuple[str, Tone]:
    times = f" {count(details.failures, 'time')}" if details.failures else ""
    over = details.started is not None and details.at - details.started > jam_after_s
    calm, none = glyphs.pick("●", "o"), glyphs.pick("○", ".")
    looks: Mapping[State, tuple[str, Tone]] = {
        State.FAILED: (f"{glyphs.pick('✖', 'x')} FAILED{times}", Tone.ALARM),
        State.PROCESSING: (f"{calm} running", Tone.FINE),
        State.QUEUED: (f"{calm} queued", Tone.FINE),
        State.DELAYED: (f"{none} delayed{f', failed{times}' if times else ''}", Tone.NORMAL),
        State.ABSENT: (f"{none} not in this queue: done, discarded, or never published", Tone.DIM),
    }
    if details.is_missing:
        return f"{glyphs.pick('≠', '!')} COMMITTED, BUT IN NO PLACE", Tone.WARNING
    if details.cancelling:
        return f"{glyphs.pick('◐', '@')} asked to end", Tone.DELIBERATE
    if details.state is State.PROCESSING and over:
        return f"{glyphs.pick('■', '#')} RUNNING PAST THE LIMIT", Tone.ALARM
    return looks[details.state]


# -- the left column


def facts(job: JobReading, jam_after_s: float, room: int) -> list[Line]:
    """Where the ID is now, and who holds it, as labels and values."""
    details = job.details
    pairs: list[tuple[str, str, Tone]] = [("queue", details.queue, Tone.NORMAL), *_where(details, jam_after_s)]
    pairs += _holder(job)
    if details.attempt > 1 or details.state is State.PROCESSING:
        pairs.append(("attempt", number(details.attempt), Tone.NORMAL))
    if details.failures:
        pairs.append(("failures", number(details.failures), Tone.NORMAL))
    if details.crashes:
        pairs.append(("crashes", number(details.crashes), Tone.WARNING))
    if details.rerun:
        n = details.rerun_requests
        again = f" for {count(n, 'publish', 'publishes')}" if n else ""
        pairs.append(("rerun", f"runs once more after this run{again}", Tone.NORMAL))
    pairs.append(("committed", "yes" if details.is_committed else "no", Tone.NORMAL))
    lines = [_heading("WHERE IT IS NOW")]
    for label, text, tone in pairs:
        lines += fold(line((f"  {label:<{_LABEL}}", Tone.DIM), (safe(text), tone)), room, _LABEL + 2)
    return lines


def _where(details: Details, jam_after_s: float) -> Iterable[tuple[str, str, Tone]]:
    match details.state:
        case State.QUEUED:
            place = "on its way to a worker, or far behind"
            if details.position is not None:
                place = f"{number(details.position + 1)} in line"
            yield "position", place, Tone.NORMAL
        case State.PROCESSING if details.started is not None:
            running = max(0.0, details.at - details.started)
            over = running - jam_after_s
            yield "running", age(running), Tone.ALARM if over > 0 else Tone.NORMAL
            yield "limit", f"past by {age(over)}" if over > 0 else f"in {age(-over)}", Tone.NORMAL
        case State.DELAYED if details.due is not None:
            yield "due", due_in(details.due - details.at), Tone.NORMAL
        case _:
            pass


def _holder(job: JobReading) -> Iterable[tuple[str, str, Tone]]:
    details, pool = job.details, job.pool
    if details.state is not State.PROCESSING:
        return
    if details.worker is None:
        yield "holder", "a Node client, which has no lease", Tone.NORMAL
        return
    yield "holder", job.named(details.worker), Tone.NORMAL
    if pool is not None:
        left = pool.lease_ends_in_s
        lease = f"ends in {age(left)} unless renewed" if left > 0 else f"ran out {age(-left)} ago: the pool is silent"
        yield "lease", lease, Tone.NORMAL if left > 0 else Tone.WARNING
        yield "handler", pool.handler, Tone.NORMAL
    if details.token:
        yield "token", details.token, Tone.DIM


def timeline(job: JobReading, room: int, glyphs: Glyphs) -> list[Line]:
    """What happened to the ID and when, as far as it is kept, the newest first."""
    details = job.details
    lines = [_heading("TIMELINE")]
    for at, sign, text, tone in sorted(_events(job, glyphs), key=lambda event: event[0], reverse=True):
        head = line((f"  {when(at, details.at)}", Tone.DIM), (f"  {sign} ", tone))
        lines += fold((*head, Span(safe(text), tone)), room, 4)
    earlier = details.failures - (1 if details.failure is not None and details.failure.at is not None else 0)
    if earlier > 0 and details.failure is not None:
        words = count(earlier, "earlier failure, of which", "earlier failures, of which")
        lines += [line((f"  {part}", Tone.DIM)) for part in wrap(f"{words} only the number is kept", max(10, room - 2))]
    if len(lines) == 1:
        lines.append(line(("  nothing is kept of its past", Tone.DIM)))
    return lines


def _events(job: JobReading, glyphs: Glyphs) -> Iterable[tuple[float, str, str, Tone]]:
    details, failure = job.details, job.details.failure
    dot, cross = glyphs.pick("●", "o"), glyphs.pick("✖", "x")
    if details.due is not None and details.state is State.DELAYED:
        yield details.due, glyphs.pick("◔", "@"), "due", Tone.NORMAL
    if details.started is not None:
        yield details.started, glyphs.pick("▸", ">"), f"claimed, attempt {number(details.attempt)}", Tone.ACCENT
    if failure is not None and failure.at is not None:
        parts = ["failed" + (f", attempt {number(failure.attempt)}" if failure.attempt else "")]
        parts += [f"after {failure.seconds:.1f} s"] if failure.seconds is not None else []
        parts += [f"by {job.named(failure.worker)}"] if failure.worker else []
        yield failure.at, cross, ", ".join(parts), Tone.ALARM
    if details.published is not None:
        yield details.published, dot, "published", Tone.FINE
    if details.requests > 1 and details.first_asked is not None:
        absorbed = count(details.requests - 1, "more publish was", "more publishes were")
        yield details.first_asked, dot, f"the first of {number(details.requests)}: {absorbed} absorbed", Tone.NORMAL


# -- the right column


def error_lines(job: JobReading, room: int, *, is_folded: bool, key: str = "x") -> list[Line]:
    """The last error, and its traceback."""
    failure = job.details.failure
    lines = [_heading("LAST ERROR")]
    if failure is None:
        kept = job.details.state is not State.FAILED
        note = "none is kept" if kept else "not kept: a Node worker has run it, and writes errors without IDs"
        return [*lines, line((f"  {note}", Tone.DIM))]
    lines += [line((f"  {part}", Tone.ALARM)) for part in wrap(safe(failure.error.rstrip()), max(10, room - 2))[:6]]
    if failure.traceback:
        lines.append(())
        for each in traceback_lines(failure.traceback, is_folded=is_folded, key=key):
            lines += fold((Span("  "), *each), room, 6)
    return lines


def payload_section(job: JobReading, room: int) -> list[Line]:
    """The payload."""
    details = job.details
    heading = payload_heading(details.payload, details.payload_bytes)
    lines = [_heading("PAYLOAD", heading)]
    for each in payload_lines(details.payload, details.payload_bytes):
        lines += fold((Span("  "), *each), room, 6)
    return lines


def recorded(job: JobReading, room: int) -> list[Line]:
    """What a recorder has seen of the ID."""
    recording = job.recording
    if recording is None or (recording.since is None and not recording.entries):
        note = f"off; convoy record {job.details.queue} --for 10m begins"
        return [_heading("RECORDED MOVES"), *fold(line((f"  {safe(note)}", Tone.DIM)), room, 4)]
    lines = [_heading("RECORDED MOVES", "recording" if recording.since is not None else "the recorder is off now")]
    for move in reversed(job.moves):
        clock = datetime.fromtimestamp(move.at).astimezone().strftime("%H:%M:%S.%f")[:-3]
        by = f"  {job.named(move.worker)}" if move.worker else ""
        words = f"{move.move.replace('_', ' ')}  {move.result.replace('_', ' ')}"
        lines += fold(line((f"  {clock}  ", Tone.DIM), safe(words), (safe(by), Tone.DIM)), room, 4)
    return lines if job.moves else [*lines, line(("  none of this ID", Tone.DIM))]


def _heading(text: str, note: str = "") -> Line:
    return line((f" {text}", Tone.HEADING), (f"  {note}" if note else "", Tone.DIM))


def stacked(*sections: Sequence[Line]) -> list[Line]:
    """Sections under each other, with an empty line between two."""
    lines: list[Line] = []
    for section in sections:
        lines += [(), *section] if lines else section
    return lines
