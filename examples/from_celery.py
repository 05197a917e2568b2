"""Move what waits in a Celery queue on Redis into a Convoy queue: each call of one task becomes the ID it is about.

    CELERY_BROKER_URL=redis://localhost:6379/0 python -m examples.from_celery celery shop.tasks.reindex reindex-users

Calls of other tasks go back to where they were, and so does everything if the program is interrupted: a call is taken
off there only after its ID has been accepted here, or refused because it is here already. Stop Celery's workers of that
queue first, or they run what is not moved yet.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from kombu.connection import Connection
from kombu.message import Message

from convoy_core import Published, Queue


def subject(args: Sequence[object], kwargs: Mapping[str, object]) -> str:
    """The ID that a call is about. Change this to what your calls look like: here it is their first argument."""
    return str(args[0] if args else next(iter(kwargs.values())))


def move(broker: Connection, old: str, task: str, new: Queue) -> Counter[Published]:
    """Move the calls of `task`, and return the answers of their IDs."""
    answers: Counter[Published] = Counter()
    others: list[Message] = []
    with broker.SimpleQueue(old) as calls:
        calls.consumer.qos(prefetch_count=0)  # or it would stop at the first few that are not taken off
        for _ in range(calls.qsize()):
            message = calls.get(block=False)
            if message.headers.get("task") != task:
                others.append(message)
                continue
            args, kwargs, _options = message.payload
            eta = message.headers.get("eta")
            delay_s = datetime.fromisoformat(eta).timestamp() - time.time() if eta else 0.0
            answers[new.publish(subject(args, kwargs), delay_s=max(0.0, delay_s))] += 1
            message.ack()
        for message in reversed(others):
            message.requeue()
    return answers


def main() -> None:
    """Read the command line, and say what was moved."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("old", help="the Celery queue; the usual one is called celery")
    parser.add_argument("task", help="like shop.tasks.reindex")
    parser.add_argument("new", help="the Convoy queue")
    options = parser.parse_args()
    broker = Connection(os.environ.get("CELERY_BROKER_URL", "redis://localhost:6379/0"))
    with Queue(options.new) as new, broker:
        for answer, n in move(broker, options.old, options.task, new).items():
            print(f"{n:,} {answer}")


if __name__ == "__main__":
    main()
