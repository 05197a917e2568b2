"""One run of a claimed ID, and how one outside this process ends badly."""

from __future__ import annotations

from dataclasses import dataclass

from convoy_core.jobs import Claim, Job


@dataclass(slots=True, eq=False)
class Run:
    """One claimed ID on its way through the handler."""

    job: Job
    claim: Claim
    started: float
    """By `time.monotonic`."""
    is_settled: bool = False
    """Its verdict is out, although the handler has not returned yet: it keeps its slot."""
    timed_out: bool = False


class RunFailed(Exception):
    """A run outside this process failed; its text is shown alone, without the name of a Python class."""

    def __init__(self, text: str, remote_traceback: str = "") -> None:
        super().__init__(text)
        self.remote_traceback = remote_traceback


class NotStarted(RunFailed):
    """A run could not begin, for want of something that has nothing to do with its ID."""
