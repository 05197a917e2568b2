"""`python -m benchmarks`: measure, and print one table. A missed goal is shown, but is no error."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks import (
    commands,
    extremes,
    faces,
    failures,
    history,
    limits,
    memory,
    pages,
    process,
    publish,
    screen,
    scripts,
    sets,
    streams,
    table,
    together,
    wakeup,
)
from benchmarks.figures import Row, Settings
from benchmarks.store import machine

MEASUREMENTS: dict[str, Callable[[Settings], list[Row]]] = {
    **{name: partial(process.one_process, name=name) for name in process.CASES},
    "process.two": process.two_processes,
    "process.suspects": process.beside_suspects,
    "process.recorded": process.recorded,
    **{f"commands.{n}": partial(commands.beside_xargs, concurrency=n) for n in (2, 8)},
    **{name: partial(publish.one_by_one, name=name) for name in ("publish.one.blocking", "publish.one.awaited")},
    "publish.together": together.publishers,
    "publish.bulk": publish.in_bulk,
    "wakeup": wakeup.idle,
    "limits": limits.costs,
    "memory.queued": memory.per_queued_id,
    "memory.left": memory.left_after_completion,
    "memory.pool": memory.pool,
    "memory.history": history.full,
    "scripts.slowest": scripts.slowest,
    "scripts.looking": scripts.looking,
    "scripts.processing": extremes.many_processing,
    "scripts.ids": extremes.long_ids,
    "scripts.payloads": extremes.large_payloads,
    "scripts.queues": extremes.many_queues,
    "scripts.due": extremes.many_due,
    "scripts.owners": extremes.many_owners,
    "doctor": sets.doctor,
    "states": sets.states,
    "failures": failures.in_groups,
    "dashboard": faces.refresh,
    "pages": pages.of_long_lists,
    "screen.start": screen.starting,
    "screen.rest": screen.resting,
    "screen.keys": screen.keys,
    "cli": faces.starting,
    "cli.streams": streams.commands,
}
"""Name -> what is measured together; its rows are called that, or begin with it and a dot."""


def main() -> None:
    """Measure what was asked for."""
    given = _arguments()
    settings = Settings(1 if given.quick else given.rounds, given.quick, given.transport, given.ids)
    about = machine(settings)
    rows: list[Row] = []
    for name in _chosen(given.only):
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        rows += MEASUREMENTS[name](settings)
    if given.json:
        print(table.as_json(about, settings.rounds, rows))
    elif given.markdown:
        print(table.as_markdown(about, settings.rounds, rows))
    else:
        table.show(about, settings.rounds, rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description="Measure Convoy beside the bare store.")
    parser.add_argument("--rounds", type=_positive, default=5, help="how often everything is measured (default: 5)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"of: {', '.join(MEASUREMENTS)}; or how they begin")
    parser.add_argument("--quick", action="store_true", help="one round in small sizes: shows that it works, no more")
    parser.add_argument("--transport", choices=("tcp", "unix"), default="tcp", help="how the store is reached")
    parser.add_argument(
        "--ids", type=_positive, default=1_000_000, help="IDs that the pool works off whose memory is watched"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document")
    form.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    given = parser.parse_args()
    unknown = [name for name in given.only or () if not _chosen([name])]
    if unknown:
        parser.error(f"nothing is called {', '.join(unknown)}; there are {', '.join(MEASUREMENTS)}")
    return given


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def _chosen(names: Sequence[str] | None) -> list[str]:
    """The measurements whose name is, or begins with, one of `names`; all without any."""
    return [each for each in MEASUREMENTS if names is None or any(f"{each}.".startswith(f"{n}.") for n in names)]


if __name__ == "__main__":
    main()
