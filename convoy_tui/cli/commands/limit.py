"""`convoy limit`: how many runs of a queue may go at a time, and how many may begin in a time."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from convoy_core import InvalidOption, QueueLimits
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.output import Output
from convoy_tui.cli.session import Session
from convoy_tui.text.limits import in_words, parse_rate


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "limit", panel="Act", writes=True, audited=True)(limit)


def _rate(text: str | tuple[int, float]) -> tuple[int, float]:
    """The value of `--rate`."""
    try:
        return text if isinstance(text, tuple) else parse_rate(text)
    except InvalidOption as error:
        raise typer.BadParameter(str(error)) from None


Concurrency = Annotated[
    int | None,
    typer.Option(
        "--concurrency",
        metavar="N",
        parser=p.positive,
        help="At most so many runs at a time.",
        show_default=False,
    ),
]
Rate = Annotated[
    Any,
    typer.Option("--rate", metavar="N/s", parser=_rate, help="At most so many starts; also N/m, N/h, N/10s."),
]
Burst = Annotated[
    int | None,
    typer.Option("--burst", metavar="N", parser=p.positive, help="How many may start at once.", show_default=False),
]
NoLimits = Annotated[bool, typer.Option("--none", help="Remove all limits.")]


def limit(
    session: Session,
    queue: p.QueueName,
    *,
    concurrency: Concurrency = None,
    rate: Rate = None,
    burst: Burst = None,
    none: NoLimits = False,
    dry_run: p.DryRun = False,
) -> Code:
    """Limit what workers run of a queue, or show its limits.

    They hold for all Convoy workers together, and are exactly what one call says: what it leaves out is not limited.
    Running jobs go on. Node workers know no limits, and their runs do not count.

    Without --burst the starts are spread evenly. With --burst 50 up to 50 may follow each other at once after a quiet
    time; then the rate holds again.

    Examples:
      convoy limit trucks
      convoy limit trucks --concurrency 20 --rate 100/s
      convoy limit trucks --rate 30/m --burst 5
      convoy limit trucks --none
    """
    session.out.refuse(Format.IDS, because="there are no IDs in the answer.")
    period_s = 1.0
    if rate is not None:
        rate, period_s = rate
    is_given = not (concurrency is None and rate is None and burst is None)
    if none and is_given:
        raise InvalidOption("--none removes all limits; give it alone.")
    if burst is not None and rate is None:
        raise InvalidOption("--burst is how many runs may start at once under --rate; give both.")
    if not none and not is_given:
        _answer(session.out, queue, session.queue(queue).limits())
        return Code.DONE
    if not dry_run:
        session.must_write()
    (name,) = session.named([queue])
    target = session.fleet.queue(name)
    before, now = target.limits(), QueueLimits(concurrency, rate, period_s, burst)
    if not dry_run:
        target.set_limits(concurrency=concurrency, rate=rate, period_s=period_s, burst=burst)
        now = target.limits()
    _answer(session.out, queue, now, before=before, dry_run=dry_run)
    return Code.DONE


def _answer(
    out: Output, queue: str, limits: QueueLimits, *, before: QueueLimits | None = None, dry_run: bool = False
) -> None:
    if out.format in (Format.JSON, Format.JSONL):
        changed = before is not None and before != limits
        out.document(
            "convoy.limit/1", {"dry_run": dry_run, "queue": queue, "limits": asdict(limits), "changed": changed}
        )
        return
    was = "" if before is None or before == limits else f" (before: {in_words(before)})"
    out.line(f"{queue}{' would have' if dry_run else ''}: {in_words(limits)}{was}")
