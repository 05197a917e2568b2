"""What to do when stdout cannot be written to."""

from __future__ import annotations

import os
import sys

from convoy_tui.cli.exit_codes import Code, Ended


def forget_stdout() -> None:
    """Drop the rest of the buffer of stdout, or Python would try to write it again at exit and report an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def unwritten(error: OSError, *, has_written: bool) -> Ended:
    """The Ended for a command whose answer could not be written."""
    forget_stdout()
    message = f"The answer could not be written to stdout: {error.strerror}."
    if has_written:
        return Ended(Code.PARTLY, message, "What it was to change in the store has been changed, as far as it came.")
    return Ended(Code.UNEXPECTED, message)
