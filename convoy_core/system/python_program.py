"""The command line that starts a Python program of Convoy: by this interpreter and from this installation.

It never loads modules from the working directory.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

_ROOT: Final = str(Path(__file__).parents[2])

_START: Final = (
    "import sys; root = sys.argv.pop(1); root in sys.path or sys.path.insert(0, root); "
    "import runpy; runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)
"""As `python -m` does it, which puts the working directory in front of all other places; `-P` leaves it out."""


def own_program(module: str, *words: str, unbuffered: bool = False) -> list[str]:
    """The command line that runs a module of ours as a program."""
    return [sys.executable, "-P", *(["-u"] if unbuffered else []), "-c", _START, _ROOT, module, *words]
