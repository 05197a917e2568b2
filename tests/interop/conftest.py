"""The real redis-convoy, fetched from npm once, into a cache outside of the source tree."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest

from tests.interop.stage import Stage
from tests.servers import RealServer
from tests.waiting import patient

RELEASE = "redis-convoy@0.1.4"
"""The newest on npm; 0.3.2 is in git alone, and writes the same keys."""


@pytest.fixture(scope="session")
def package() -> Path:
    """The directory that has it in `node_modules`; skips where it cannot be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs node and npm, which are not here")
    home = Path(os.environ.get("CONVOY_TEST_CACHE") or platformdirs.user_cache_path("convoy-tests")) / RELEASE
    try:
        home.mkdir(parents=True, exist_ok=True)
        with (home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the processes of one test run fetch it once
            return _fetched(home)
    except OSError as error:
        pytest.skip(f"needs a directory for {RELEASE}: {error}")


def _fetched(home: Path) -> Path:
    """Install it, unless it is there; whatever is half there is not used, as the rename comes last."""
    place = home / "installed"
    if place.exists():
        return place
    failed = home / f"failed.{os.getppid()}"
    if failed.exists():  # for another process of this test run
        pytest.skip(failed.read_text())
    new = home / "new"
    shutil.rmtree(new, ignore_errors=True)
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0"]
    try:
        subprocess.run(
            [*install, "--prefix", str(new), RELEASE], check=True, capture_output=True, text=True, timeout=patient()
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = [line for line in str(error.stderr or error).splitlines() if line.strip()]
        reason = f"{RELEASE} cannot be fetched from npm: {said[0] if said else error}"
        failed.write_text(reason)
        pytest.skip(reason)
    new.rename(place)
    return place


@pytest.fixture
def stage(package: Path, store: RealServer) -> Iterator[Stage]:
    """An empty Valkey, and nobody there yet."""
    with Stage(package, store) as stage:
        yield stage


@pytest.fixture
def each_stage(package: Path, each_store: RealServer) -> Iterator[Stage]:
    """The same on Valkey and on Redis."""
    with Stage(package, each_store) as stage:
        yield stage
