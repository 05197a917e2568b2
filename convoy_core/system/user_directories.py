"""Where Convoy keeps what is the user's own and no data of a queue."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def state_directory() -> Path:
    """The user's directory for state, which XDG_STATE_HOME may name. It need not be there yet."""
    named = os.environ.get("XDG_STATE_HOME", "")
    if sys.platform == "linux" and not Path(named).is_absolute():
        return Path.home() / ".local" / "state" / "convoy"
    import platformdirs  # noqa: PLC0415 - the usual place needs none of it

    return platformdirs.user_state_path("convoy")
