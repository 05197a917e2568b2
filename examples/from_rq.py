"""Move what waits in an RQ queue into a Convoy queue: every job of one function becomes the ID that it is about.

    python -m examples.from_rq default shop.jobs.reindex reindex-users

It takes jobs that wait, that are scheduled, and that have failed, and leaves the jobs of other functions and those that
run. A job is deleted there only after its ID has been accepted here, or refused because it is here already. So it can
be run as often as you like, also while old callers go on.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter

import rq
from redis import Redis
from rq.job import Job
from rq.registry import FailedJobRegistry, ScheduledJobRegistry

from convoy_core import Published, Queue


def subject(job: Job) -> str:
    """The ID that a job is about. Change this to what your calls look like: here it is their first argument."""
    return str(job.args[0] if job.args else next(iter(job.kwargs.values())))


def move(old: rq.Queue, function: str, new: Queue) -> Counter[Published]:
    """Move the jobs of `function`, written as RQ writes it, and return the answers of their IDs."""
    answers: Counter[Published] = Counter()
    scheduled, failed = ScheduledJobRegistry(queue=old), FailedJobRegistry(queue=old)
    for name in (*old.get_job_ids(), *scheduled.get_job_ids(), *failed.get_job_ids()):
        job = old.fetch_job(name)
        if job is None or job.func_name != function:
            continue
        delay_s = scheduled.get_scheduled_time(job).timestamp() - time.time() if name in scheduled else 0.0
        answers[new.publish(subject(job), delay_s=max(0.0, delay_s))] += 1
        job.delete()
    return answers


def main() -> None:
    """Read the command line, and say what was moved."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("old", help="the RQ queue")
    parser.add_argument("function", help="like shop.jobs.reindex")
    parser.add_argument("new", help="the Convoy queue")
    options = parser.parse_args()
    with Queue(options.new) as new, Redis.from_url(os.environ.get("RQ_REDIS_URL", "redis://localhost:6379")) as redis:
        for answer, n in move(rq.Queue(options.old, connection=redis), options.function, new).items():
            print(f"{n:,} {answer}")


if __name__ == "__main__":
    main()
