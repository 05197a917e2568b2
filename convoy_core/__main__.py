"""`python -m convoy_core`: print the version and where to read on. The commands are in `convoy_tui`."""

from __future__ import annotations

import sys

_TEXT = """\
Convoy {version}: queues of unique IDs on Redis or Valkey (Python {python})

  the library        python -m pydoc convoy_core
  the command line   convoy --help
  the dashboard      convoy-tui
  the documents      README.md, and docs/ beside it in the source distribution
"""


def main() -> None:
    """Print it, or end silently at Ctrl-C, which may come while the other modules load."""
    try:
        _say()
    except KeyboardInterrupt:
        sys.exit(130)


def _say() -> None:
    import platform  # noqa: PLC0415 - here and below: loaded where an interrupt is seen to

    from convoy_core.system import VERSION, lossy_streams, prepare_streams  # noqa: PLC0415

    prepare_streams()
    lossy_streams(sys.stdout).write(_TEXT.format(version=VERSION, python=platform.python_version()))


if __name__ == "__main__":
    main()
