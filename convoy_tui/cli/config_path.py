"""Where the user's config file is."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def config_path() -> Path:
    """The path of the user's config file."""
    return _config_directory() / "config.toml"


def _config_directory() -> Path:
    """The one that platformdirs names. For the usual one it is not loaded, since each command would wait for it."""
    if sys.platform == "linux" and not os.environ.get("XDG_CONFIG_HOME"):
        return Path.home() / ".config" / "convoy"
    import platformdirs  # noqa: PLC0415 - see above

    return platformdirs.user_config_path("convoy")
