"""Hooks around each run, for what watches programs.

    convoy work trucks --handler shop.jobs:sync --hook examples.hooks:sentry

A hook is entered in the context of its run, so what it sets there is seen by the handler and by nobody else. What a
hook raises itself affects no run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sentry_sdk
import structlog

from convoy_core import Job


@contextmanager
def sentry(job: Job) -> Iterator[None]:
    """Report what the handler raises to Sentry, with the run that it is about. `sentry_sdk.init` is the program's."""
    with sentry_sdk.isolation_scope() as scope:
        scope.set_transaction_name(f"convoy {job.queue}")
        scope.set_tag("convoy.queue", job.queue)
        scope.set_context("convoy", {"id": job.id, "attempt": job.attempt, "token": job.token})
        try:
            yield
        except Exception:
            sentry_sdk.capture_exception()
            raise


@contextmanager
def structured(job: Job) -> Iterator[None]:
    """Have every line that the handler logs with structlog name its run."""
    with structlog.contextvars.bound_contextvars(queue=job.queue, job_id=job.id, attempt=job.attempt):
        yield
