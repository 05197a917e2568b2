"""Builds the site into .site/html, strictly, and checks it: `python -m tools.site [DIRECTORY]`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools.site.checking import faults
from tools.site.sources import ROOT, write


def main(place: Path) -> int:
    """Build it there; how many faults it has."""
    write(place)
    # Zensical's strict mode ends a build with what it warns of, such as a link between pages that leads nowhere.
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "-f", str(place / "zensical.toml")]
    built = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    if built.returncode:
        print(built.stdout + built.stderr, file=sys.stderr)
        return 1
    found = faults(place / "html")
    for fault in found:
        print(fault, file=sys.stderr)
    if not found:
        print(f"{place / 'html' / 'index.html'}")
    return len(found)


if __name__ == "__main__":
    sys.exit(min(main(Path(sys.argv[1]).absolute() if sys.argv[1:] else ROOT / ".site"), 1))
