"""How we start Python programs of our own: by this interpreter, from where this one has them, and never from files that
lie about in the working directory.
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
