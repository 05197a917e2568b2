"""Why a pool may claim nothing, in a sentence. No I/O."""

from __future__ import annotations

import socket


def quiet(which: str) -> str:
    """By the answer to the claim: whether its worker is quiet, or its host."""
    if which == "worker":
        return "This worker is quiet, so it claims nothing; `convoy unquiet` with its ID ends that."
    host = socket.gethostname()
    return f"The host {host} is quiet, so no worker here claims anything; `convoy unquiet {host}` ends that."


def outdated(version: str, lowest: str) -> str:
    """By its own version, and the lowest that may claim."""
    if not version:
        return f"This pool has no version label, and the lowest that may claim is {lowest}, so it claims nothing."
    return f"Version {version} is lower than {lowest}, the lowest that may claim, so this pool claims nothing."
