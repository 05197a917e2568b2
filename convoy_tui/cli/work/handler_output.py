"""The output of handlers: it can neither block a run nor get into an answer that is a document."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

from convoy_core.system import LossyStream, lossy_streams


@contextmanager
def printing(*, to_stderr: bool) -> Iterator[None]:
    """During the block, drop output that cannot be written, even if its reader is blocked. `to_stderr` redirects it.

    This works at the level of file descriptors, since native code and child processes print as well.
    """
    sys.stdout.flush()
    with (
        _descriptor_elsewhere(is_wanted=to_stderr),
        redirect_stdout(sys.stderr if to_stderr else lossy_streams(sys.stdout)),
    ):
        never_wait()
        yield


def never_wait() -> None:
    """From now on drop output for which a pipe has no room: a reader that does not read must not block a worker."""
    for stream in (sys.stdout, sys.stderr):
        raw = stream.buffer if isinstance(stream, io.TextIOWrapper) else None
        if isinstance(raw, LossyStream):
            raw.waits = False


@contextmanager
def _descriptor_elsewhere(*, is_wanted: bool) -> Iterator[None]:
    number = None
    with suppress(OSError, ValueError):  # there is no file descriptor, as in a test
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
