"""What the limits of a queue cost a round: where there are none, and where there are some that are never met."""

from __future__ import annotations

import re
from collections.abc import Callable
from unittest.mock import patch

import redis

from benchmarks.figures import AtMost, Row, Settings, columns
from benchmarks.store import BenchServer, empty, server_for, server_micros
from convoy_core import Queue
from convoy_core.jobs import Claim
from convoy_core.moves import scripts, working
from convoy_core.moves.call import Call
from convoy_core.moves.working import Round, Settlement

QUEUE, WORKER = "bench", "aa"
BATCH = 10
"""IDs that a round settles, and claims."""

_LIMITS = re.compile(
    r"if present\[limits\] then.*?\nend\n|^if note_limit then [^\n]*\n|(?<=paused) limits(?= )",
    re.MULTILINE | re.DOTALL,
)
"""What a claim has for them."""


def costs(settings: Settings) -> list[Row]:
    """The server's time for a round of the script, as it is, and without the lines that are about limits."""
    rounds: list[dict[str, float]] = []
    with server_for(settings) as server, server.client() as client:
        n = settings.size(3_000, 20)
        for _ in range(settings.rounds):
            none = _micros(server, client, n, _without_limits)
            rounds.append(
                {
                    "without": none,
                    "none": _micros(server, client, n, lambda call: call),
                    "set": _micros(server, client, n, lambda call: call, are_set=True),
                }
            )
    taken = columns(rounds)
    what = f"The server's time for a round of {BATCH}"
    plain = "the script without the lines about limits"
    goal = AtMost(1.05, of_the_ratio=True)
    return [
        Row("limits.none", f"{what}, the queue has no limits", "µs", taken["none"], taken["without"], plain, goal),
        Row("limits.set", f"{what}, the queue has two, not met", "µs", taken["set"], taken["none"], "without limits"),
    ]


def _micros(
    server: BenchServer,
    client: redis.Redis,
    n: int,
    change: Callable[[Call[Round]], Call[Round]],
    *,
    are_set: bool = False,
) -> float:
    empty(client)
    with Queue(QUEUE, redis=server.url) as queue:
        connection, keys = queue._connection, queue._keys
        queue.publish_many(range(n * BATCH))
        if are_set:
            queue.set_limits(concurrency=1_000, rate=1_000_000, burst=1_000_000)
        connection.run(working.register(keys, WORKER, 3_600_000, "epoch", {}))
        held: list[Claim] = []
        for number in range(1, n * BATCH + 1, BATCH):
            if number == 1 + BATCH:
                client.config_resetstat()
            call = working.exchange(keys, WORKER, Settlement(completed=held), BATCH, number, 15_000)
            held = connection.run(change(call)).claims
    if len(held) != BATCH:
        raise RuntimeError(f"the last round claimed {len(held)} of {BATCH} IDs.")
    return server_micros(client)


def _without_limits(call: Call[Round]) -> Call[Round]:
    assert call.script is not None
    places = [i for i, key in enumerate(call.script.keys) if key in PLAIN.keys]
    return call._replace(script=PLAIN, keys=tuple(call.keys[i] for i in places))


def _plain_script() -> scripts.Script:
    read = scripts._file

    def changed(path: str) -> str:
        text = read(path)
        return _LIMITS.sub("", text) if path == "lua/claim.lua" else text

    with patch.object(scripts, "_file", changed):
        script: scripts.Script = scripts.load.__wrapped__("exchange")
    assert "note_limit(" not in script.portable.source
    return script


PLAIN = _plain_script()
