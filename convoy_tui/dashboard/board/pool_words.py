"""The workers of a store in a sentence, and one pool in a few lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from convoy_core import Entry
from convoy_tui.dashboard.board.columns import per_s
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.headline import clock
from convoy_tui.dashboard.board.pool_rates import WINDOW_S, Speed
from convoy_tui.dashboard.board.pools import HostRow, Pool, PoolsRow, UnservedRow, process
from convoy_tui.dashboard.board.spans import Line, Span, Tone, clip, line, width, wrap
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, number

_LABEL = 10
_SHORT = 5
"""A box of no more lines than this says the most needed only."""


def in_short(pools: Sequence[Pool], unserved: Sequence[UnservedRow], room: int, glyphs: Glyphs) -> list[Line]:
    """Who is silent and what nobody works on, the gravest first; else how many work, and how fast."""
    sign = glyphs.pick("▲", "^")
    troubles: list[Line] = []
    if silent := sorted((pool for pool in pools if not pool.info.is_live), key=lambda pool: pool.info.lease_ends_in_s):
        first = silent[0]
        queue = safe(first.info.queue, 30)
        who = f"{process(first.info, 30)} of {queue}, for {age(first.silent_s or 0)}"
        rest = f", and {number(len(silent) - 1)} more" if len(silent) > 1 else ""
        how_many = f"{number(len(silent))} of {count(len(pools), 'pool')} {'is' if len(silent) == 1 else 'are'} silent"
        troubles.append(line((f" {sign} {how_many}: {who}{rest}.", Tone.WARNING)))
    if unserved:
        names = ", ".join(safe(row.queue, 30) for row in unserved[:3])
        rest = f" and {number(len(unserved) - 3)} more" if len(unserved) > 3 else ""
        troubles.append(line((f" {sign} Nobody works on {names}{rest}.", Tone.WARNING)))
    return [clip(each, room) for each in troubles or [_at_work(pools)]]


def _at_work(pools: Sequence[Pool]) -> Line:
    if not pools:
        return line((" No workers anywhere.", Tone.DIM))
    hosts = len({pool.info.host for pool in pools})
    running = sum(pool.info.running for pool in pools)
    slots = sum(pool.info.concurrency or 0 for pool in pools)
    speeds = [pool.speed for pool in pools if pool.speed is not None]
    told: Line = ()
    if speeds:
        failed_s = sum(speed.failed_s for speed in speeds)
        told = line(
            (" · ", Tone.DIM),
            f"{per_s(sum(speed.done_s for speed in speeds))} done",
            *((("  ", Tone.DIM), (f"{per_s(failed_s)} failed", Tone.WARNING)) if failed_s else ()),
        )
    who = f" {count(len(pools), 'pool')} on {count(hosts, 'host')}, all alive"
    return (*line((who, Tone.FINE), (" · ", Tone.DIM), f"{number(running)} of {count(slots, 'slot')} busy"), *told)


def heading(row: PoolsRow) -> str:
    """What the lines below are about, as it is; whoever shows it makes it safe."""
    match row:
        case HostRow():
            return row.host or "?"
        case UnservedRow():
            return row.queue
        case _:
            return f"{process(row.pool.info, 200)} of {row.pool.info.queue}"


def about(row: PoolsRow, is_alone: bool, offers: Line, room: int, height: int) -> list[Line]:
    """A row in words and numbers, in so many lines. `is_alone`: no pool of its queue is alive."""
    match row:
        case HostRow():
            return _host(row, room)
        case UnservedRow():
            waits = count(row.waiting, "ID waits", "IDs wait")
            return [clip(line(f" {waits}, and nobody works on the queue.   ", *offers), room)]
        case _:
            return _pool(row.pool, is_alone, offers, room, height)


def _pool(pool: Pool, is_alone: bool, offers: Line, room: int, height: int) -> list[Line]:
    if height <= _SHORT:
        first, *more = state_lines(pool, is_alone, room - 2)
        cut = (Span(" …", first[0].tone),) if more else ()
        return [clip(each, room) for each in ((*first, *cut), held(pool, room), line(" ", *offers))]
    told = [*state_lines(pool, is_alone, room), line(" ", *offers), (), *_counts(pool, room)]
    if height < len(told) + len(pool.held) + 3:
        return [*told, held(pool, room)]
    return [*told, _slots(pool), (), *(line(f" {_since(entry, pool.at):>8}  ", *_id(entry)) for entry in pool.held)]


def _host(row: HostRow, room: int) -> list[Line]:
    queues = sorted({pool.info.queue for pool in row.pools})
    names = ", ".join(safe(name, 30) for name in queues[:8]) + (", …" if len(queues) > 8 else "")
    pools = count(len(row.pools), "pool works", "pools work")
    told = wrap(f"{pools} on {count(len(queues), 'queue')}: {names}.", room - 2)
    fold = "show its pools" if row.is_folded else "fold it"
    return [*(line(" ", part) for part in told), line(" ", *offer("enter", fold, "Enter"))]


def offer(press: str, text: str, shown: str = "") -> Line:
    """A key and what it does, to be clicked as well."""
    return line(Span(f"[{shown or press}]", Tone.KEY, press), Span(f" {text}    ", Tone.NORMAL, press))


def pool_lines(pool: Pool, is_alone: bool, room: int) -> list[Line]:
    """How a pool is, and how it has done."""
    return [*state_lines(pool, is_alone, room), *_counts(pool, room), _slots(pool)]


def state_lines(pool: Pool, is_alone: bool, room: int) -> list[Line]:
    """How a pool is, in whole sentences."""
    (span,) = _state(pool, is_alone)
    return [line((f" {part}", span.tone)) for part in wrap(span.text.strip(), room - 2)]


def _state(pool: Pool, is_alone: bool) -> Line:
    is_trouble = pool.silent_s is not None or (pool.here is not None and pool.here.trouble)
    return line((f" {_told(pool, is_alone)}", Tone.WARNING if is_trouble else Tone.NORMAL))


def _told(pool: Pool, is_alone: bool) -> str:
    info = pool.info
    if pool.silent_s is not None:
        since = clock(pool.at - pool.silent_s)
        holds = f"its {count(info.running, 'ID')}" if info.running else "what it holds"
        back = (
            f"Nobody takes {holds} back, since no pool of this queue is alive"
            if is_alone
            else f"Other pools of this queue take {holds} back"
        )
        return f"Silent for {age(pool.silent_s)}. {back}; its lease ran out at {since}."
    version = f", version {safe(info.version, 40)}" if info.version else ""
    if info.is_quiet or info.is_outdated:
        because = "it is quiet" if info.is_quiet else "its version is lower than the queue's lowest"
        return f"Alive, and claims nothing, since {because}{version}. What it runs goes on."
    where = "in this process" if pool.here is not None else "in another process"
    up = "" if info.since is None else f", for {age(max(0.0, pool.at - info.since))}"
    if pool.here is not None and pool.here.trouble:
        return f"Alive {where}{up}. {safe(pool.here.trouble, 300)}"
    if pool.here is not None and pool.here.state.is_stopping:
        return f"Stopping: it claims nothing more, and its {count(info.running, 'run')} may end."
    return f"Alive {where}{up}, running {safe(info.handler or '?', 80)}{version}."


def _slots(pool: Pool) -> Line:
    slots = f" of {count(pool.info.concurrency, 'slot')}" if pool.info.concurrency else ""
    return line((f" {'runs':<{_LABEL}}", Tone.DIM), f"{number(pool.info.running)}{slots}")


def held(pool: Pool, room: int) -> Line:
    """The IDs that it holds, the oldest first, as many as fit."""
    shown: list[Span] = [*_slots(pool)]
    for entry in pool.held:
        part = line("   ", *_id(entry), (f" {_since(entry, pool.at)}", Tone.DIM))
        if width(shown) + width(part) > room - 2:
            return (*shown, Span(" …", Tone.DIM))
        shown += part
    return tuple(shown)


def _id(entry: Entry) -> Line:
    return line(safe(entry.id, 28))


def _since(entry: Entry, at: float) -> str:
    return "" if entry.since is None else age(max(0.0, at - entry.since))


def _counts(pool: Pool, room: int) -> list[Line]:
    info, speed = pool.info, pool.speed
    done = line((f" {'done':<{_LABEL}}", Tone.DIM), number(info.done), (_pace(speed, speed and speed.done_s), Tone.DIM))
    failed = line(
        (f" {'failed':<{_LABEL}}", Tone.DIM),
        (number(info.failed), Tone.WARNING if info.failed else Tone.NORMAL),
        (_pace(speed, speed and speed.failed_s), Tone.DIM),
    )
    if room < 90:
        return [done, failed]
    gap = " " * max(3, 40 - width(done))
    return [(*done, Span(gap), *failed)]


def _pace(speed: Speed | None, per_second: float | None) -> str:
    if speed is None or per_second is None:
        return ""
    time = "minute" if speed.over_s >= WINDOW_S else age(speed.over_s)
    return f"   {per_s(per_second)} in the last {time}"
