"""The Store page in words: the server's state, what a check of it has found, and the faults of queues. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from rich.cells import cell_len

from convoy_core import Finding, Level, QueueCheck
from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Line, Span, Tone, clip, line, wrap
from convoy_tui.text.faults import level, meaning, repair
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, number

_LABEL = 12
_BAR = 16
_SAMPLES = 8
"""IDs that are named for each kind of fault."""

_SIGNS = {Level.OK: ("✓", "*"), Level.UNKNOWN: ("?", "?"), Level.WARNING: ("▲", "^"), Level.ALARM: ("✖", "x")}
_TONES = {Level.OK: Tone.FINE, Level.UNKNOWN: Tone.DIM, Level.WARNING: Tone.WARNING, Level.ALARM: Tone.ALARM}

Info = Mapping[str, str]


def size(n: float) -> str:
    """A number of bytes.

    >>> size(900), size(5_500_000), size(3 * 2**30)
    ('900 B', '5.2 MiB', '3.0 GiB')
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n < 1024:
            return f"{n:.0f} {unit}" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1024
    return f"{n:.1f} TiB"


def server_lines(info: Info, board: Board, trips: Sequence[float | None], width: int, glyphs: Glyphs) -> list[Line]:
    """A line for each part of the server's state."""
    told = {"server": ["it tells this user nothing: allow INFO"]}
    if info:
        told = {
            "server": _about(info),
            "memory": _memory(info),
            "clients": _clients(info),
            "traffic": _traffic(info),
            "saved": _saved(info, board),
            "replicas": _replicas(info),
        }
    told["queues"] = _queues(board)
    bars = {"memory": _share(info, glyphs), "latency": _trend(trips, glyphs)}
    told["latency"] = _latency(trips)
    return [_fact(label, bars.get(label, ()), parts, width) for label, parts in told.items()]


def _fact(label: str, bar: Line, parts: Sequence[str], width: int) -> Line:
    """A label, and of the parts as many as fit, the first in any case."""
    head = (Span(f" {label:<{_LABEL}}", Tone.DIM), *bar)
    room = width - sum(span.cells for span in head)
    text, *rest = [safe(part, 200) for part in parts]
    for part in rest:
        if cell_len(text) + 3 + cell_len(part) > room:
            break
        text += f" · {part}"
    return clip((*head, Span(text)), width)


def _whole(info: Info, name: str) -> int | None:
    text = info.get(name, "").partition(".")[0]
    return int(text) if text.isascii() and text.isdigit() else None


def _about(info: Info) -> list[str]:
    name = "valkey" if "valkey_version" in info else "redis"
    parts = [f"{name.capitalize()} {info.get(f'{name}_version', '')}".strip()]
    parts.append(f"{info.get('redis_mode', 'standalone')} {_role(info)}")
    if (up := _whole(info, "uptime_in_seconds")) is not None:
        parts.append(f"up {age(up)}")
    return parts


def _role(info: Info) -> str:
    return {"master": "primary", "slave": "replica"}.get(info.get("role", ""), info.get("role", ""))


def _memory(info: Info) -> list[str]:
    used, most = _whole(info, "used_memory"), _whole(info, "maxmemory")
    if used is None:
        return ["not told"]
    parts = [f"{size(used)} of {size(most)}" if most else f"{size(used)}, no limit"]
    parts.append(f"peak {size(_whole(info, 'used_memory_peak') or used)}")
    parts += [info["maxmemory_policy"]] if "maxmemory_policy" in info else []
    return [*parts, f"fragmentation {info.get('mem_fragmentation_ratio', '?')}"]


def _share(info: Info, glyphs: Glyphs) -> Line:
    """A bar of the memory used, where there is a limit."""
    used, most = _whole(info, "used_memory"), _whole(info, "maxmemory")
    if used is None or not most:
        return ()
    share = min(1.0, used / most)
    full = round(share * _BAR)
    tone = Tone.ALARM if share >= 1 else Tone.WARNING if share >= 0.9 else Tone.TREND
    blocks = (Span(glyphs.pick("█", "#") * full, tone), Span(glyphs.pick("░", ".") * (_BAR - full), Tone.FAINT))
    return (*blocks, Span(f" {share:.0%}  "))


def _clients(info: Info) -> list[str]:
    most = _whole(info, "maxclients")
    connected = f"{number(_whole(info, 'connected_clients') or 0)} connected{f' of {number(most)}' if most else ''}"
    return [connected, f"{number(_whole(info, 'blocked_clients') or 0)} wait for work"]


def _traffic(info: Info) -> list[str]:
    def kib(name: str) -> str:
        try:
            return f"{size(float(info.get(name, '0')) * 1024)}/s"
        except (ValueError, OverflowError):
            return "?"

    per_s = number(_whole(info, "instantaneous_ops_per_sec") or 0)
    return [
        f"{per_s} commands/s",
        f"{kib('instantaneous_input_kbps')} in",
        f"{kib('instantaneous_output_kbps')} out",
    ]


def _saved(info: Info, board: Board) -> list[str]:
    parts = ["no append-only file"]
    if info.get("aof_enabled") == "1":
        parts = [f"append-only file, last write {info.get('aof_last_write_status', 'not told')}"]
    at, now = _whole(info, "rdb_last_save_time"), board.link.read_at
    if at and now is not None:
        parts.append(f"snapshot {age(max(0.0, now - at))} ago, {info.get('rdb_last_bgsave_status', 'not told')}")
    if changes := _whole(info, "rdb_changes_since_last_save"):
        parts.append(f"{count(changes, 'change')} since")
    return parts


def _replicas(info: Info) -> list[str]:
    if info.get("role") == "slave":
        return [f"this is one, of {info.get('master_host', '?')}", f"link {info.get('master_link_status', '?')}"]
    n = _whole(info, "connected_slaves") or 0
    return [f"{number(n)} connected" if n else "none"]


def _queues(board: Board) -> list[str]:
    committed = sum(row.snapshot.counts.committed for row in board.rows)
    return [count(len(board.rows), "queue"), f"{count(committed, 'ID is', 'IDs are')} committed"]


def _trend(trips: Sequence[float | None], glyphs: Glyphs) -> Line:
    """The round trips of the last looks, as bars from 0 up."""
    top, blocks = max((trip for trip in trips if trip is not None), default=0.0) or 1.0, glyphs.blocks
    shape = "".join(" " if trip is None else blocks[round(trip / top * (len(blocks) - 1))] for trip in trips)
    return (Span(f"{shape}  ", Tone.TREND),) if shape else ()


def _latency(trips: Sequence[float | None]) -> list[str]:
    known = sorted(trip for trip in trips if trip is not None)
    if not known:
        return ["nothing read yet"]
    middle = known[len(known) // 2]
    return [f"median {_ms(middle)}", f"{_ms(known[0])} to {_ms(known[-1])}", f"last {count(len(known), 'look')}"]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


# -- findings, and faults


def finding_lines(findings: Sequence[Finding], width: int, glyphs: Glyphs, *, is_short: bool) -> list[Line]:
    """What a check of the server has found, the worst first, with advice. In short, what is fine is only named."""
    order = list(_SIGNS)[::-1]
    lines: list[Line] = []
    for finding in sorted(findings, key=lambda finding: order.index(finding.level)):
        is_fine = finding.level is Level.OK
        if is_short and is_fine:
            continue
        told = f"{safe(finding.value, 200)}{'. ' + finding.advice if finding.advice else ''}"
        first, *rest = wrap(told, max(20, width - _LABEL - 6))
        lines.append(
            line(
                _sign(finding.level, glyphs),
                (f"{finding.subject:<{_LABEL}} ", Tone.DIM if is_fine else Tone.STRONG),
                (first, Tone.DIM if is_fine else Tone.NORMAL),
            )
        )
        lines += [line(" " * (_LABEL + 4), part) for part in rest]
    fine = [finding.subject for finding in findings if finding.level is Level.OK]
    if is_short and fine:
        first, *rest = wrap(f"{', '.join(fine)}: fine", max(20, width - 6))
        lines.append(line(_sign(Level.OK, glyphs), (first, Tone.DIM)))
        lines += [line("   ", (part, Tone.DIM)) for part in rest]
    return lines


def _sign(bad: Level, glyphs: Glyphs) -> Span:
    return Span(f" {glyphs.pick(*_SIGNS[bad])} ", _TONES[bad])


def check_lines(checks: Sequence[QueueCheck], width: int, glyphs: Glyphs) -> list[Line]:
    """What is wrong in which queue, in groups, and what a repair would do; sound queues in one line."""
    lines: list[Line] = []
    for check in checks:
        if not check.is_sound:
            worst = max(map(level, check.faults), default=Level.ALARM, key=list(_SIGNS).index)
            name = safe(check.queue, max(12, width - 30))
            lines.append(line(_sign(worst, glyphs), (name, Tone.STRONG)))
            lines += [line("   ", part) for told in _wrongs(check) for part in wrap(told, max(20, width - 6))]
    sound = [check for check in checks if check.is_sound]
    if sound:
        examined = number(sum(check.examined for check in sound))
        told = f"{count(len(sound), 'queue is', 'queues are')} sound: every ID is in exactly one place"
        first, *rest = wrap(f"{told} ({examined} entries).", max(20, width - 6))
        lines += [line(_sign(Level.OK, glyphs), first), *(line("   ", part) for part in rest)]
    return lines


def _wrongs(check: QueueCheck) -> Iterable[str]:
    if check.damage is not None:
        yield safe(check.damage, 400)
    for (kind, text), faults in groupby(sorted(check.faults), key=lambda fault: (fault.kind, meaning(fault))):
        several = list(faults)
        ids = ", ".join(safe(fault.id, 24) for fault in several[:_SAMPLES])
        more = f" and {number(len(several) - _SAMPLES)} more" if len(several) > _SAMPLES else ""
        yield f"{number(len(several))} {kind} ({safe(text, 120)}): {ids}{more}. Repair: {repair(several[0])}."
    if not check.is_complete:
        yield "There are more: repair these, and check again."


def fault_count(checks: Iterable[QueueCheck]) -> int:
    """How many faults were found."""
    return sum(len(check.faults) for check in checks)


def effects(checks: Iterable[QueueCheck]) -> list[tuple[int, str]]:
    """What a repair would do with how many, the most first."""
    return [(n, text) for text, n in Counter(repair(f) for check in checks for f in check.faults).most_common()]


def headline(findings: Sequence[Finding], checks: Sequence[QueueCheck] | None) -> tuple[str, Tone]:
    """What matters most about the store, in a sentence."""
    bad = [finding for finding in findings if finding.level in (Level.ALARM, Level.WARNING)]
    faults = fault_count(checks or ())
    worst = Tone.ALARM if any(finding.level is Level.ALARM for finding in bad) or faults else Tone.WARNING
    parts = [f"{finding.subject}: {safe(finding.value, 60)}" for finding in bad]
    if faults:
        parts.insert(0, f"{count(faults, 'fault')} in {count(sum(bool(c.faults) for c in checks or ()), 'queue')}")
    if parts:
        return " · ".join(parts), worst
    if not findings:
        return "Reading what the server tells.", Tone.DIM
    return ("Nothing is wrong with the server." if checks is None else "Nothing is wrong here."), Tone.FINE
