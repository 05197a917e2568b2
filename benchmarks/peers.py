"""`python -m benchmarks.peers`: other queues do the same work on the same store, side by side with Convoy."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks import table
from benchmarks.figures import Figure, Settings
from benchmarks.peer_homes import QUEUES, NotInstalled, program_of
from benchmarks.peer_rounds import Failed, Round
from benchmarks.store import machine, server_for

COLUMNS = {
    "process 1": "Processed, jobs/s, concurrency 1",
    "process 10": "concurrency 10",
    "process 100": "concurrency 100",
    "publish": "Published, jobs/s, one by one",
    "unique": "unique, one by one",
    "bulk": "in bulk",
    "unique bulk": "unique, in bulk",
    "wake median": "Published to started, idle, ms",
    "wake p99": "p99",
}
"""Name of a figure -> its heading."""


@dataclass(slots=True)
class Result:
    """What one queue reached."""

    key: str
    version: str = ""
    numbers: dict[str, list[float]] = field(default_factory=dict)
    """Name of a figure -> its numbers, of each round one or more; none where the queue has no such thing."""
    remarks: list[str] = field(default_factory=list)

    def figure(self, name: str) -> Figure | None:
        """Over all rounds."""
        return Figure(tuple(self.numbers[name])) if self.numbers.get(name) else None

    def as_record(self) -> dict[str, Any]:
        """For JSON."""
        figures = {name: self.figure(name) for name in COLUMNS}
        return {
            "name": QUEUES[self.key].name,
            "version": self.version,
            "figures": {name: figure and figure.as_record() for name, figure in figures.items()},
            "remarks": self.remarks,
        }

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        figures = [self.figure(name) for name in COLUMNS]
        shown = [table.number(figure.median) if figure else "-" for figure in figures]
        return (f"{QUEUES[self.key].name} {self.version}", *shown, "; ".join(self.remarks))


def main() -> None:
    """Measure the queues that were asked for."""
    given = _arguments()
    settings = Settings(1 if given.quick else given.rounds, given.quick)
    about = machine(settings)
    results = [_measure(key, settings, upgrade=given.upgrade) for key in given.only or QUEUES]
    if given.json:
        _print_json(about, settings.rounds, results)
        return
    headings = ("Queue", *COLUMNS.values(), "Remarks")
    cells = [result.cells() for result in results]
    caption = table.caption(about, settings.rounds)
    numbers = frozenset(COLUMNS.values())
    if given.markdown:
        print("\n".join([caption, "", *table.markdown(headings, cells, numbers)]))
    else:
        table.show_cells(caption, headings, cells, numbers)


def _measure(key: str, settings: Settings, *, upgrade: bool) -> Result:
    """Everything, as often as there are rounds; what fails is not tried again."""
    queue = QUEUES[key]
    result = Result(key, remarks=[queue.remark] if queue.remark else [])
    try:
        program = program_of(key, upgrade=upgrade)
    except NotInstalled as error:
        result.remarks.append(str(error))
        return result
    result.version = program.version
    failed: set[str] = set()
    for number in range(settings.rounds):
        print(f"measuring {queue.name}, round {number + 1} of {settings.rounds} ...", file=sys.stderr, flush=True)
        with server_for(settings) as server, server.client() as client:
            for name, step in Round(key, program, settings, server, client).steps().items():
                if name not in failed:
                    _take(result, name, step, failed)
    return result


def _take(result: Result, name: str, step: Any, failed: set[str]) -> None:
    try:
        taken: Mapping[str, float] = step()
    except Failed as error:
        failed.add(name)
        result.remarks.append(f"failed at {error}")
        return
    for each, number in taken.items():
        result.numbers.setdefault(each, []).append(number)


def _print_json(about: Mapping[str, Any], rounds: int, results: Sequence[Result]) -> None:
    queues = [result.as_record() for result in results]
    print(json.dumps({"schema": table.SCHEMA, "about": about, "rounds": rounds, "queues": queues}, indent=2))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.peers", description="Measure other queues beside Convoy, each newly installed."
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (default: 3)")
    parser.add_argument("--only", nargs="+", metavar="QUEUE", choices=QUEUES, help=f"of: {', '.join(QUEUES)}")
    parser.add_argument("--quick", action="store_true", help="one round with few jobs: shows that it works, no more")
    parser.add_argument("--upgrade", action="store_true", help="install the newest of each again")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document")
    form.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    return parser.parse_args()


if __name__ == "__main__":
    main()
