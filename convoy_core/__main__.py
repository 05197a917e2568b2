"""`python -m convoy_core`: which version this is, and where to read on. The commands are another package's."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

from convoy_core.system import lossy_streams, prepare_streams

_TEXT = """\
Convoy{version}: queues of unique IDs on Redis or Valkey (Python {python})

  the library        python -m pydoc convoy_core
  the command line   convoy --help
  the dashboard      convoy-tui
  the documents      README.md, and docs/ beside it in the source distribution
"""


def _version() -> str:
    try:
        return f" {metadata.version('convoy-queue')}"
    except metadata.PackageNotFoundError:  # run from its sources
        return ""


def main() -> None:
    """Say it."""
    prepare_streams()
    lossy_streams(sys.stdout).write(_TEXT.format(version=_version(), python=platform.python_version()))


if __name__ == "__main__":
    main()
