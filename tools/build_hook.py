"""Puts the man pages into the wheel, at share/man/man1, while it is built.

They are made by the program itself. Where what it needs is not installed, as in a build environment of pip, the wheel
has none; `make dist`, which makes the wheels to release, refuses such a wheel.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManPages(BuildHookInterface[Any]):
    """Called by hatchling."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make them, unless this is an editable wheel."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        try:
            from tools import man_pages  # noqa: PLC0415 - what it needs may be missing
        except ImportError as error:
            self.app.display_warning(f"No man pages: {error}.")
            return
        finally:
            sys.path.remove(self.root)
        self._place = TemporaryDirectory(prefix="convoy-man-")
        for path in man_pages.write(Path(self._place.name)):
            build_data["shared_data"][str(path)] = f"share/man/man1/{path.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was made for it."""
        if hasattr(self, "_place"):
            self._place.cleanup()
