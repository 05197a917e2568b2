"""Runs one storm: `python -m tests.chaos --kills 300 --server-kills 20 [--rollbacks N] [--pauses N] [--seed N]`.

The exit code is 0 if nothing was lost, stuck, held twice or wrongly accepted. It prints its counts, and the history of
each ID that violates a promise.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

import redis

from tests.chaos.history import tell
from tests.chaos.journal import Run
from tests.chaos.judge import Verdict
from tests.chaos.storm import Amounts, Storm, run
from tests.chaos.work import KINDS

SHARE = 30
"""One rollback and one pause for so many kills, unless told otherwise."""


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--server-kills", type=int, default=20)
    parser.add_argument("--rollbacks", type=int, default=None, help="the store comes back older, quickly")
    parser.add_argument("--pauses", type=int, default=None, help="workers stand still for longer than a lease")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    parser.add_argument("--patience", type=float, default=60, help="seconds without a change that are taken for rest")
    parser.add_argument("--older", type=Path, default=None, help="where an older convoy_core is, to work beside")
    options = parser.parse_args()
    share = options.kills // SHARE
    amounts = Amounts(
        options.kills,
        options.server_kills,
        share if options.rollbacks is None else options.rollbacks,
        share if options.pauses is None else options.pauses,
    )
    start = time.monotonic()
    storm, runs, verdict = run(amounts, options.seed, options.patience, options.older)
    lines = [f"seed               {options.seed:>9}", *_lines(storm, runs, verdict)]
    lines.append(f"seconds            {time.monotonic() - start:>9.0f}")
    lines += tell(verdict, storm.accepted, runs, storm.kinds, storm.troubles)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if verdict.is_clean and not storm.broken and not storm.left_over else 1


def _of_older(storm: Storm, runs: list[Run]) -> int:
    return sum(run.worker in storm.older_workers for run in runs)


def _lines(storm: Storm, runs: list[Run], verdict: Verdict) -> list[str]:
    troubles = storm.troubles
    named = f"{sum(storm.points.values()):,} of them at {len(storm.points)} named points"
    away = statistics.median([back - killed for _, killed, back in troubles.rollbacks] or [0])
    kinds = Counter(storm.kinds[run.worker] for run in runs)
    return [
        f"worker kills       {len(troubles.killed):>9,}   {named}",
        f"worker pauses      {len(troubles.pauses):>9,}   each for longer than a lease",
        f"leases lapsed      {len(troubles.lapsed_by_themselves):>9,}   by themselves: no processor for so long",
        f"older workers      {len(storm.older_workers):>9,}   with {_of_older(storm, runs):,} runs of another version",
        f"watchers killed    {storm.watchers_killed:>9,}   of what workers have started",
        f"publishers killed  {storm.publishers_killed:>9,}   of {storm.publishers_begun:,}, each with many callers",
        f"server kills       {storm.server_kills:>9,}",
        f"rollbacks          {len(troubles.rollbacks):>9,}   an older file, half of them back within {away:.3f} s",
        f"left over          {storm.left_over:>9,}   entries of IDs that are nowhere, after a sweep",
        f"links cut          {storm.links_cut:>9,}   all connections at once",
        f"accepted IDs       {len(storm.accepted):>9,}",
        f"runs               {verdict.runs:>9,}   " + ", ".join(f"{kinds[kind]:,} {kind}" for kind in KINDS),
        *verdict.lines(),
        f"broken workers     {storm.broken:>9,}   ended with an error, or not at all",
    ]


if __name__ == "__main__":
    redis.Redis  # noqa: B018 - imported before the first fork, so that no child has to
    sys.exit(main())
