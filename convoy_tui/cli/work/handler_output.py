"""What handlers print while a pool runs: it can neither stop a run nor get into an answer that is a document."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

from convoy_core.system import LossyStream, lossy_streams


@contextmanager
def printing(*, to_stderr: bool) -> Iterator[None]:
    """For the block, drop what cannot be printed, also where a reader stands still; `to_stderr` sends it all there.

    Down to the descriptor, since native code and what a handler starts print as well.
    """
    sys.stdout.flush()
    with (
        _descriptor_elsewhere(is_wanted=to_stderr),
        redirect_stdout(sys.stderr if to_stderr else lossy_streams(sys.stdout)),
    ):
        never_wait()
        yield


def never_wait() -> None:
    """From now on drop what a reader that stands still leaves no room for: a full pipe may stop no worker."""
    for stream in (sys.stdout, sys.stderr):
        raw = stream.buffer if isinstance(stream, io.TextIOWrapper) else None
        if isinstance(raw, LossyStream):
            raw.waits = False


@contextmanager
def _descriptor_elsewhere(*, is_wanted: bool) -> Iterator[None]:
    number = None
    with suppress(OSError, ValueError):  # no descriptor is behind it, as in a test
        number = sys.stdout.fileno() if is_wanted else None
    if number is None:
        yield
        return
    kept = os.dup(number)
    os.dup2(2, number)
    try:
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)
