"""`make dist`: builds the source distribution and the wheel, checks their files, and tries the wheel by itself.

The wheel is built from the unpacked source distribution, so that both hold all that is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

from packaging.metadata import Metadata

from tools import man_pages

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"
PACKAGES = ("convoy_core", "convoy_tui")
NEEDED = ("py.typed", "*.lua", "*.tcss", "*.html", "*.css", "*.js")
"""Files of the packages that are no modules, and that Convoy does not work without, or its users' type checkers."""
IN_SOURCES = ("README.md", "CHANGELOG.md", "DESIGN.md", "LICENSE", "Makefile", "constraints.txt", "pyproject.toml")


def main() -> None:
    """Build, look, try; the first thing that is wrong ends it."""
    shutil.rmtree(DIST, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="convoy-dist-") as scratch:
        sources, wheel = build(Path(scratch))
        look_into(sources, wheel)
        try_out(Path(scratch), wheel)
    print(f"\n{sources.relative_to(ROOT)} and {wheel.relative_to(ROOT)} are fit to be released.")


def build(scratch: Path) -> tuple[Path, Path]:
    """The source distribution, and the wheel that is made of it."""
    hatchling(ROOT, "sdist")
    (sources,) = DIST.glob("*.tar.gz")
    with tarfile.open(sources) as archive:
        archive.extractall(scratch, filter="data")
    hatchling(scratch / sources.name.removesuffix(".tar.gz"), "wheel")
    (wheel,) = DIST.glob("*.whl")
    return sources, wheel


def hatchling(place: Path, target: str) -> None:
    """Have the build backend build in `place`."""
    run([sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(DIST)], place)


def look_into(sources: Path, wheel: Path) -> None:
    """Raise SystemExit for a file that is missing or too many, or metadata that no index would take."""
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if not name.endswith("/")}
        (metadata,) = (name for name in inside if name.endswith(".dist-info/METADATA"))
        Metadata.from_email(archive.read(metadata), validate=True)
    ours = {path.relative_to(ROOT).as_posix() for package in PACKAGES for path in files_of(ROOT / package)}
    record = metadata.removesuffix("METADATA")
    shared = record.replace(".dist-info", ".data") + "data/share/man/man1/"
    ours_and_pages = ours | {f"{shared}{name}.1" for name, _ in man_pages.pages()}
    expect("the wheel", {name for name in inside if not name.startswith(record)}, ours_and_pages)
    expect("its metadata", {f"{record}licenses/LICENSE", f"{record}entry_points.txt"} - inside, set())
    for pattern in NEEDED:
        kept = [name for name in inside if Path(name).match(pattern)]
        print(f"{pattern:>10}  {len(kept)} in the wheel")
        expect(f"{pattern} in the wheel", {pattern} if not kept else set(), set())
    with tarfile.open(sources) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    expect("the source distribution", {*IN_SOURCES, *ours} - names, set())


def files_of(package: Path) -> list[Path]:
    """All of its files that are no leftovers of a run."""
    return [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def expect(place: str, found: set[str], wanted: set[str]) -> None:
    """Raise SystemExit unless both are the same."""
    if found != wanted:
        raise SystemExit(f"In {place}: missing {sorted(wanted - found)}, out of place {sorted(found - wanted)}")


def try_out(scratch: Path, wheel: Path) -> None:
    """Install the wheel where nothing else is, and use it there: both programs, the library, the embedded store."""
    home, elsewhere = scratch / "venv", scratch / "elsewhere"
    elsewhere.mkdir()
    venv.create(home, with_pip=True)
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--constraint", str(ROOT / "constraints.txt"), str(wheel)], elsewhere)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CONVOY_"))}
    environment["CONVOY_REDIS_URL"] = f"embedded:{scratch / 'store'}"
    for words in (
        ["convoy", "--version"],
        ["convoy-tui", "--version"],
        ["python", "-c", "import convoy_core, convoy_tui.dashboard.app; print(convoy_core.__file__)"],
        ["python", "-m", "convoy_core"],
        ["convoy", "publish", "trucks", "42"],
        ["convoy", "work", "trucks", "--exec", "true", "--burst"],
        ["convoy", "status"],
        ["convoy", "server", "stop"],
    ):
        run([str(programs / words[0]), *words[1:]], elsewhere, environment)


def run(command: list[str], place: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run it there, and say so. Raises SystemExit when it fails."""
    print(f"\n$ {Path(command[0]).name} {' '.join(command[1:])}", flush=True)
    if status := subprocess.run(command, cwd=place, env=environment, check=False).returncode:
        raise SystemExit(f"That ended with {status}.")


if __name__ == "__main__":
    main()
