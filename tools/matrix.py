"""`make matrix`: runs the tests under each installed Python, and with the lowest and the newest allowed redis-py.

Each combination has its own environment below `.matrix`, which is rebuilt when the project's requirements change.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOMES = ROOT / ".matrix"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
QUICK = (
    *(f"tests/store/test_{name}.py" for name in ("connect", "connections", "faults", "redis_py")),
    "tests/core/test_bulk.py",
)
"""What looks most closely at redis-py and at the interpreter."""


@dataclass(frozen=True, slots=True)
class Combination:
    """One Python with one redis-py."""

    name: str
    python: str | None
    """The interpreter; None where it is not installed."""
    redis: str | None = None
    """Which redis-py instead of the one in constraints.txt, as a requirement."""


def main() -> None:
    """Try what was asked for; SystemExit where something failed."""
    asked = options(sys.argv[1:])
    chosen = [each for each in combinations() if not asked.only or each.name in asked.only]
    if unknown := {*asked.only} - {each.name for each in chosen}:
        raise SystemExit(
            f"There is no {', '.join(sorted(unknown))}; there are {', '.join(c.name for c in combinations())}."
        )
    results = {each.name: result(each, asked) for each in chosen}
    print("\n" + "\n".join(f"{name:>14}  {said}" for name, said in results.items()))
    if any(said.startswith("failed") for said in results.values()):
        raise SystemExit(1)


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """What a command line asks for."""
    parser = argparse.ArgumentParser(prog="make matrix", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="3.12, redis-lowest, ...")
    parser.add_argument("--quick", action="store_true", help="only the tests that are closest to redis-py")
    parser.add_argument("--workers", type=int, default=3, metavar="N", help="test processes at once; 3 by default")
    return parser.parse_args(arguments)


def combinations() -> list[Combination]:
    """Every Python by its number, and this one with either end of the range of redis-py."""
    lowest, below = redis_range()
    return [
        *(Combination(version, find_python(version)) for version in PYTHONS),
        Combination("redis-lowest", sys.executable, f"redis[hiredis]=={lowest}"),
        Combination("redis-newest", sys.executable, f"redis[hiredis]<{below}"),
    ]


def redis_range() -> tuple[str, str]:
    """The lowest redis-py that pyproject.toml allows, and the first that it does not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for requirement in project["dependencies"]:
        if match := re.fullmatch(r"redis\[hiredis\]>=([\d.]+),<([\d.]+)", requirement):
            return match[1], match[2]
    raise SystemExit("pyproject.toml names no range of redis-py that can be read here.")


def find_python(version: str) -> str | None:
    """An interpreter of that version: on the PATH, else the newest that pyenv has."""
    on_path = shutil.which(f"python{version}")
    if on_path and _is_version(on_path, version):
        return on_path
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(root.glob(f"versions/{version}.*/bin/python"), key=_numbers)
    return str(found[-1]) if found else None


def _is_version(python: str, version: str) -> bool:
    """Whether it really is: a shim of pyenv's may be there for a version that is not chosen."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    ended = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    return ended.stdout.strip() == version


def _numbers(python: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", python.parts[-3])]


def result(combination: Combination, asked: argparse.Namespace) -> str:
    """Try one combination; how that went, in words."""
    if combination.python is None:
        return f"not tried: no Python {combination.name} on the PATH or in pyenv"
    print(f"\n== {combination.name}: {combination.python} {combination.redis or ''}", flush=True)
    python = _home(combination, combination.python)
    tests = QUICK if asked.quick or combination.redis else ()
    ended = _run([str(python), "-m", "pytest", "-q", "-n", str(asked.workers), *tests])
    return f"failed ({ended})" if ended else f"passed{' (the quick ones)' if tests else ''}"


def _home(combination: Combination, python: str) -> Path:
    """The interpreter of its environment, which is made where there is none for these requirements."""
    home = HOMES / combination.name
    inside, stamp = home / "bin" / "python", home / "requirements"
    files = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    wanted = hashlib.sha256(b"".join(files) + str(combination).encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(home, ignore_errors=True)
        pip = [str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        steps = [
            [python, "-m", "venv", str(home)],
            [*pip, "--constraint", str(ROOT / "constraints.txt"), "--editable", f"{ROOT}[dev]"],
            *([[*pip, "--upgrade", combination.redis]] if combination.redis else []),
        ]
        for step in steps:
            if _run(step):
                raise SystemExit(f"The environment of {combination.name} could not be made.")
        stamp.write_text(wanted)
    return inside


def _run(command: Sequence[str]) -> int:
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    main()
