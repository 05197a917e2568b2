"""How to end when stdout takes no more."""

from __future__ import annotations

import os
import sys

from convoy_tui.cli.exit_codes import Code, Ended


def forget_stdout() -> None:
    """Let what is still buffered for stdout go nowhere, or Python would try, and complain, once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def unwritten(error: OSError, *, has_written: bool) -> Ended:
    """How a command ends whose answer could not be written."""
    forget_stdout()
    message = f"The answer could not be written to stdout: {error.strerror}."
    if has_written:
        return Ended(Code.PARTLY, message, "What it was to change in the store has been changed, as far as it came.")
    return Ended(Code.UNEXPECTED, message)
