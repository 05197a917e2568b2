"""`convoy doctor`: prove that queues are sound, or say what is wrong, and repair it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from convoy_core import SMALL_BATCH, ConvoyError, Fault, Finding, Level, QueueCheck, Repaired, chunked
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code, Ended, ending
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.interrupts import Interrupts
from convoy_tui.cli.io.output import Column, Shape, preview
from convoy_tui.cli.io.styled import Styled
from convoy_tui.cli.io.table import Cell
from convoy_tui.cli.session import Session
from convoy_tui.text.faults import ANSWERS, level, meaning, repair
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, number

STYLES = {Level.OK: "green", Level.UNKNOWN: "dim", Level.WARNING: "yellow", Level.ALARM: "bold red"}


@dataclass(frozen=True, slots=True)
class Row:
    """One fault of one queue, and what its repair did, if there was one."""

    queue: str
    fault: Fault
    answer: Repaired | None


SHAPE: Shape[Row] = Shape(
    "convoy.doctor/1",
    "faults",
    [
        Column("QUEUE", lambda row: row.queue, shrinks=True),
        Column("ID", lambda row: row.fault.id, shrinks=True),
        Column("FAULT", lambda row: row.fault.kind, lambda row: Cell(row.fault.kind, STYLES[level(row.fault)])),
        Column("ANSWER", lambda row: row.answer, hides=True),
    ],
    lambda row: {
        "queue": row.queue,
        "id": row.fault.id,
        "kind": row.fault.kind,
        "worker": row.fault.worker,
        "meaning": meaning(row.fault),
        "repair": repair(row.fault),
        "answer": row.answer,
    },
    lambda row: row.fault.id,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "doctor", panel="Look", writes=True, audited=True)(doctor)


Fix = Annotated[bool, typer.Option("--fix", help="Repair what is wrong, after saying how.")]
Grace = Annotated[
    float,
    typer.Option(
        "--grace",
        metavar="TIME",
        parser=p.seconds,
        help="Only what is wrong all this time is a fault.",
        show_default="10s",
    ),
]


def doctor(
    session: Session,
    queues: p.OptionalQueueNames = None,
    *,
    fix: Fix = False,
    grace: Grace = 10.0,
    yes: p.Yes = False,
) -> Code:
    """Check the server and the queues: that every ID is in exactly one place.

    It compares the keys themselves, reads in slices, and writes nothing without --fix. The exit code is 0 if all is
    well, 10 for a warning and 11 for an alarm; what --fix has repaired does not count.

    Examples:
      convoy doctor
      convoy doctor trucks --json
      convoy doctor trucks --fix
      convoy doctor --fix --yes -q || alert
    """
    if fix:
        session.must_write()
    names = session.names(queues or [])
    server = session.fleet.check_server()
    with session.messages.progress("checking", 100, unit="entries") as meter:

        def show(done: int, total: int) -> None:
            meter.moved(100 * done // max(1, total), done)

        checks = session.fleet.check(names, grace_s=grace, progress=show)
    rows = [Row(check.queue, fault, None) for check in checks for fault in check.faults]
    if not (fix and rows):
        _answer(session, server, checks, rows, fixed=False)
        return _code(server, checks, rows)
    _ask(session, rows, yes=yes)
    repaired, error = _repair(session, server, checks, rows)
    if error is not None:
        ended = ending(error)
        raise Ended(Code.PARTLY, str(ended), ended.advice) if repaired else ended
    return _code(server, checks, [])


def _code(server: list[Finding], checks: list[QueueCheck], rows: list[Row]) -> Code:
    levels = {finding.level for finding in server} | {level(row.fault) for row in rows}
    if Level.ALARM in levels or any(check.damage is not None or not check.is_complete for check in checks):
        return Code.ALARM
    return Code.WARNING if Level.WARNING in levels else Code.DONE


def _ask(session: Session, rows: list[Row], *, yes: bool) -> None:
    if yes:
        return
    if session.messages.can_ask:
        preview(session.messages, SHAPE, rows)
    kinds = Counter(repair(row.fault) for row in rows)
    effects = "; ".join(f"{count(n, 'ID')}: {effect}" for effect, n in kinds.items())
    what = f"This repairs {count(len(rows), 'fault')} at {session.where}: {effects}"
    session.messages.confirm(what, yes=False, look="without --fix")


def _repair(
    session: Session, server: list[Finding], checks: list[QueueCheck], rows: list[Row]
) -> tuple[list[Row], ConvoyError | None]:
    """Repair exactly these, and print the answers. Returns what was repaired, and the error that ended it, if any."""
    repaired: list[Row] = []
    stopped: ConvoyError | None = None
    with Interrupts() as interrupts:
        try:
            for name in dict.fromkeys(row.queue for row in rows):
                queue = session.fleet.queue(name)
                for faults in chunked((row.fault for row in rows if row.queue == name), SMALL_BATCH):
                    with interrupts.held():
                        repaired += [Row(name, fault, answer) for fault, answer in queue.repair(faults).items()]
        except ConvoyError as error:
            stopped = error
        finally:
            with interrupts.held():
                _answer(session, server, checks, repaired, fixed=True)
    return repaired, stopped


def _answer(session: Session, server: list[Finding], checks: list[QueueCheck], rows: list[Row], *, fixed: bool) -> None:
    if session.out.is_for_people:
        for finding in server:
            _print(session, _finding_line(finding), indent=21)
        for check in checks:
            _print(session, Styled.of(safe(_queue_line(check))), indent=2)
        session.out.rows(SHAPE, rows)
        for line in _explained(rows, fixed=fixed):
            _print(session, Styled.of(safe(line)), indent=2)
        return
    if session.out.format is Format.IDS:
        session.out.ids(row.fault.id for row in rows)
    else:
        head = {"dry_run": not fixed, "server": [*map(asdict, server)], "queues": [*map(_checked, checks)]}
        session.out.rows(SHAPE, rows, head)
    for finding in server:
        if finding.level in (Level.WARNING, Level.ALARM):
            session.messages.warn(f"{finding.subject}: {finding.value}. {finding.advice}")
    for check in checks:
        session.messages.note(_queue_line(check))
    if fixed:
        session.messages.note(_tally(rows))


def _print(session: Session, line: Styled, *, indent: int) -> None:
    for part in session.out.wrapped(line, indent=indent):
        session.out.styled(part)


def _finding_line(finding: Finding) -> Styled:
    line = Styled.of(f"{finding.level:<8}", STYLES[finding.level]).append(
        f"{finding.subject:<12} {safe(finding.value)}"
    )
    return line.append(f". {finding.advice}") if finding.advice else line


def _queue_line(check: QueueCheck) -> str:
    if check.damage is not None:
        return f"{check.queue}: {check.damage}"
    found = count(len(check.faults), "fault") if check.faults else "no fault"
    rest = "" if check.is_complete else "; there are more: repair these, and check again"
    return f"{check.queue}: {found} ({number(check.examined)} entries examined){rest}"


def _explained(rows: list[Row], *, fixed: bool) -> Iterator[str]:
    """What each kind of fault means, and what --fix would do about it; or what it has done."""
    if fixed:
        yield _tally(rows)
        return
    for text, fault in {meaning(row.fault): row.fault for row in rows}.items():
        yield f"{fault.kind}: {text}. With --fix: {repair(fault)}."


def _tally(rows: Iterable[Row]) -> str:
    tally = Counter(row.answer for row in rows)
    return ", ".join(f"{number(tally[answer])} {word}" for answer, word in ANSWERS.items() if tally[answer])


def _checked(check: QueueCheck) -> dict[str, object]:
    return {
        "queue": check.queue,
        "examined": check.examined,
        "sound": check.is_sound,
        "complete": check.is_complete,
        "damage": check.damage,
    }
