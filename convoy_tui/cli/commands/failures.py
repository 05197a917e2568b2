"""`convoy failures`: show the failed IDs of a queue in groups, by what broke."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer

from convoy_core import Failure, FailureGroup, FailureGroups, Queue
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.commands.list_ids import ago
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.output import Column, Output, Shape
from convoy_tui.cli.io.styled import Styled
from convoy_tui.cli.io.table import Cell
from convoy_tui.cli.session import Session
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, number


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "failures", panel="Look")(failures)


OneGroup = Annotated[
    str | None,
    typer.Option(
        "--group", metavar="GROUP", parser=p.group, help="Show this group, with a traceback.", show_default=False
    ),
]


def failures(session: Session, queue: p.QueueName, *, group: OneGroup = None) -> Code:
    """Show the failed IDs of a queue in groups, by what broke.

    IDs are in one group if the same exception came from the same functions, or if the same command ended alike. The
    last failure of each ID counts. With --group, -o ids prints all IDs of the group.

    Examples:
      convoy failures trucks
      convoy failures trucks --group 0a1b2c3d
      convoy requeue trucks --group 0a1b2c3d --try 1
    """
    if group is None:
        session.out.refuse(Format.IDS, because="it needs --group GROUP, the group whose IDs are wanted.")
    looked_at = session.queue(queue)
    if group is not None and session.out.format is Format.IDS:
        return _print_ids(session, looked_at, group)
    found = _groups(session, looked_at)
    if group is not None:
        return _show(session, looked_at, found, group)
    head = {"queue": queue, "at": found.at, "total": found.total, "others": found.others}
    session.out.rows(_shape(queue, found.at), found.groups, head)
    if not found.total:
        session.messages.note(f"Nothing in {queue} is failed.")
    else:
        more = f", and {number(found.others)} IDs in others" if found.others else ""
        in_groups = f"{count(found.total, 'failed ID')} in {count(len(found.groups), 'group')}{more}"
        session.messages.note(f"{in_groups}; a traceback: convoy failures {queue} --group GROUP")
    return Code.DONE


def _groups(session: Session, queue: Queue) -> FailureGroups:
    total = queue.counts().failed
    with session.messages.progress(f"reading {queue.name}", total, shown=total > 10_000) as meter:
        return queue.failure_groups(progress=lambda done, _: meter.moved(done, done))


def _print_ids(session: Session, queue: Queue, group: str) -> Code:
    found = False
    for id in queue.ids_of_group(group):
        session.out.ids([id])
        found = True
    if not found:
        raise _unknown(queue, group)
    return Code.DONE


def _unknown(queue: Queue, group: str) -> Ended:
    advice = f"`convoy failures {queue.name}` lists the groups."
    return Ended(Code.NOT_FOUND, f"No failed ID of {queue.name} is in a group {group}.", advice)


def _shape(queue: str, at: float) -> Shape[FailureGroup]:
    def since(heading: str, value: Callable[[FailureGroup], float | None], drop: int = 0) -> Column[FailureGroup]:
        return Column(heading, value, lambda group: Cell(ago(value(group), at)), right=True, drop=drop)

    return Shape(
        "convoy.failures/1",
        "groups",
        [
            Column("GROUP", lambda group: group.id),
            Column("IDS", lambda group: group.count, lambda group: Cell(number(group.count)), right=True),
            Column("RETRIES", lambda group: group.retries, lambda g: Cell(number(g.retries)), right=True, drop=2),
            since("FIRST", lambda group: group.first, drop=1),
            since("LAST", lambda group: group.last),
            Column("WHAT BROKE", lambda group: group.what, shrinks=True),
        ],
        lambda group: {"queue": queue, **asdict(group)},
        lambda group: group.id,
    )


# -- one group


def _show(session: Session, queue: Queue, found: FailureGroups, id: str) -> Code:
    group = next((each for each in found.groups if each.id == id), None)
    if group is None:
        raise _unknown(queue, id)
    sample, failure = _sample(queue, group)
    if session.out.format in (Format.JSON, Format.JSONL):
        example = None if failure is None else {"id": sample, **asdict(failure)}
        fields = {"queue": queue.name, "at": found.at, **asdict(group), "sample": example}
        session.out.document("convoy.failure-group/1", fields)
        return Code.DONE
    facts = _facts(group, found.at)
    if session.out.format is Format.PLAIN:
        for label, value in [*facts, ("traceback", failure.traceback or "" if failure else "")]:
            session.out.plain([label, value])
    else:
        _sheet(session.out, facts, sample, failure)
    return Code.DONE


def _sample(queue: Queue, group: FailureGroup) -> tuple[str, Failure | None]:
    """A sample ID and its failure, with a traceback if any has one."""
    found: tuple[str, Failure | None] = (group.samples[0], None)
    for id in group.samples:
        failure = queue.show(id).failure
        if failure is not None and failure.traceback:
            return id, failure
        if found[1] is None:
            found = (id, failure)
    return found


def _facts(group: FailureGroup, at: float) -> list[tuple[str, str]]:
    ids = ", ".join(group.samples) + (", ..." if group.count > len(group.samples) else "")
    facts = [("group", group.id), ("what broke", group.what), ("IDs", f"{number(group.count)}: {ids}")]
    if group.last is not None:
        facts += [("first seen", f"{ago(group.first, at)} ago"), ("last seen", f"{ago(group.last, at)} ago")]
    facts += [("retries", f"{number(group.retries)} spent in vain")] if group.retries else []
    return [*facts, ("last error", group.message)] if group.message else facts


def _sheet(out: Output, facts: list[tuple[str, str]], sample: str, failure: Failure | None) -> None:
    for label, value in facts:
        head = Styled.of(f"{label:>11}  ", "dim")
        out.styled(head.append(safe(value), "bold" if label == "group" else ""))
    if failure is not None and failure.traceback:
        out.styled(Styled.of(f"{'traceback':>11}  ", "dim").append(safe(f"of {sample}")))
        for line in failure.traceback.rstrip().split("\n"):
            out.styled(Styled.of(f"    {safe(line)}"))
