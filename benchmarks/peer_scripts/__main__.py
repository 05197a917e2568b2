"""Runs one measurement, and reports in lines of JSON; see the package."""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module

from benchmarks.peer_scripts.peer import Missing, Order, Peer, expect, say


def main() -> None:
    """Carry out the order."""
    order = Order(**json.loads(sys.argv[1]))
    peer: Peer = import_module(f"benchmarks.peer_scripts.on_{order.peer}").Jobs(order.url)
    try:
        _carry_out(order, peer)
    except Missing:
        say("missing")


def _carry_out(order: Order, peer: Peer) -> None:
    match order.act:
        case "process":
            expect(order.jobs)
            peer.work(order.concurrency)
        case "wake":
            expect(None)
            peer.work(order.concurrency)
        case "publisher":
            _publish_on_demand(peer)
        case "publish" | "unique" | "bulk" | "unique bulk":
            say(_rate(order, peer))


def _rate(order: Order, peer: Peer) -> float:
    """Jobs published per second; the first, which connects, does not count."""
    publish = {
        "publish": peer.publish,
        "unique": peer.publish_unique,
        "bulk": peer.publish_bulk,
        "unique bulk": peer.publish_unique_bulk,
    }[order.act]
    publish(["first"])
    ids = [str(number) for number in range(order.jobs)]
    started = time.perf_counter()
    publish(ids)
    return len(ids) / (time.perf_counter() - started)


def _publish_on_demand(peer: Peer) -> None:
    """Publish each line of stdin, and report the moment before."""
    for line in sys.stdin:
        before = time.monotonic()
        peer.publish([line.strip()])
        say(before)


if __name__ == "__main__":
    main()
