"""Power cuts (F35): under `always` whatever was acknowledged is on the disk, and under `everysec` it is soon after.

A power cut leaves what was forced out (fsync) and, at worst, nothing else. Where a C compiler is at hand, a small
library inside the server notes how large a file was at each fsync, and a cut is a copy of the file of that size. Where
there is none, all that was written counts as forced out, as for a `kill -9`. The names of the tests say which it was.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from convoy_core import Queue
from convoy_core.errors import EmbeddedStoreError, InvalidURL
from convoy_core.store.address import Durability
from convoy_core.store.clients import resolve
from convoy_core.store.embedded import programs
from convoy_core.store.embedded.server import EmbeddedServer
from tests.cli.conftest import Convoy
from tests.waiting import eventually

CC = shutil.which("cc") if sys.platform == "linux" else None
WAY = "fsync seen" if CC else "no C compiler, so kill -9 for a power cut"

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int noting(int fd, const char *name) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    struct stat facts;
    char link[64], path[4096] = "", line[4200];
    fstat(fd, &facts);  /* what comes into the file meanwhile may not be forced out */
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t end = readlink(link, path, sizeof path - 1);
    int result = real(fd), log = open(LOG, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (result == 0 && end > 0 && log >= 0 &&
        write(log, line, snprintf(line, sizeof line, "%lld %s\n", (long long)facts.st_size, path)) < 0) result = -1;
    close(log);
    return result;
}
int fsync(int fd) { return noting(fd, "fsync"); }
int fdatasync(int fd) { return noting(fd, "fdatasync"); }
"""


class Disk:
    """An embedded store, and how much of its file would be there after a power cut."""

    def __init__(self, directory: Path, durability: Durability) -> None:
        self.server = EmbeddedServer(directory / "store", durability)
        self.file = self.server.directory / "appendonlydir" / "appendonly.aof.1.incr.aof"
        self.url = f"unix://{self.server.socket}"
        self._log = directory / "fsyncs"
        self._copies = 0

    @property
    def forced_out(self) -> int:
        """Bytes of the file that a power cut at this moment leaves at least."""
        if CC is None:
            return self.file.stat().st_size
        lines = self._log.read_text().splitlines()
        sizes = [int(line.split()[0]) for line in lines if line.endswith(self.file.name)]
        return sizes[-1] if sizes else 0

    def cut(self, size: int) -> EmbeddedServer:
        """A store with the file as a power cut leaves it, to be started."""
        self._copies += 1
        directory = self.server.directory.with_name(f"copy{self._copies}")
        shutil.copytree(self.file.parent, directory / self.file.parent.name)
        directory.chmod(0o700)
        os.truncate(directory / self.file.parent.name / self.file.name, size)
        return EmbeddedServer(directory)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Durability], Disk]]:
    """Start a store of that durability; all that ran below the test's directory is ended afterwards."""
    if CC is not None:
        library, wrapper, server = tmp_path / "shim.so", tmp_path / "server", programs.find().path
        log = f'-DLOG="{tmp_path / "fsyncs"}"'
        subprocess.run(
            [CC, "-shared", "-fPIC", log, "-o", str(library), "-x", "c", "-", "-ldl"], input=SHIM.encode(), check=True
        )
        wrapper.write_text(f'#!/bin/sh\nLD_PRELOAD="{library}" exec "{server}" "$@"\n')
        wrapper.chmod(0o700)
        monkeypatch.setattr(programs, "find", lambda: programs.Program(wrapper))

    def make(durability: Durability) -> Disk:
        made = Disk(tmp_path, durability)
        made.server.ensure()
        return made

    yield make
    for lock in tmp_path.glob("*/server.lock"):
        EmbeddedServer(lock.parent).stop()


@pytest.mark.parametrize("way", [WAY])
def test_f35_under_always_nothing_acknowledged_is_lost_in_a_power_cut(
    disk: Callable[[Durability], Disk], way: str
) -> None:
    one = disk(Durability.ALWAYS)
    with Queue("q", redis=one.url) as queue:
        sizes = []
        for number in range(300):
            queue.publish(f"id-{number}-")
            sizes.append(one.forced_out)

    assert _lost(one, sizes) == []
    for number in (0, 150, 299):
        after = one.cut(sizes[number])
        with Queue("q", redis=f"unix://{after.ensure()}") as queue:
            assert {entry.id for entry in queue.entries(None)} >= {f"id-{n}-" for n in range(number + 1)}


@pytest.mark.parametrize("way", [WAY])
def test_f35_under_everysec_it_is_on_the_disk_a_moment_later(disk: Callable[[Durability], Disk], way: str) -> None:
    one = disk(Durability.EVERYSEC)
    with Queue("q", redis=one.url) as queue:
        sizes = []
        for number in range(100):
            queue.publish(f"id-{number}-")
            sizes.append(one.forced_out)
        written = one.file.stat().st_size

    if CC is not None:  # else a loss cannot be seen
        assert _lost(one, sizes) != []
    eventually(lambda: one.forced_out >= written)
    assert _lost(one, [one.forced_out] * 100) == []
    after = one.cut(sizes[99])  # whatever is left of it, it starts, and holds whole publishes
    with Queue("q", redis=f"unix://{after.ensure()}") as queue:
        counts = queue.counts()
        assert counts.queued == counts.committed


def _lost(disk: Disk, sizes: list[int]) -> list[int]:
    """Which publishes would not be in the file after a power cut right behind their acknowledgement."""
    content = disk.file.read_bytes()
    return [number for number, size in enumerate(sizes) if b"id-%d-" % number not in content[:size]]


@pytest.mark.parametrize("durability", Durability)
def test_f35_what_was_acknowledged_is_written_when_the_server_is_killed_at_once(
    disk: Callable[[Durability], Disk], durability: Durability
) -> None:
    one = disk(durability)
    for number in range(5):
        with Queue("q", redis=f"unix://{one.server.ensure()}") as queue:
            queue.publish(f"id-{number}-")
            pid = one.server.status().pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            assert b"id-%d-" % number in one.file.read_bytes()
        eventually(lambda: not one.server.status().running)
    with Queue("q", redis=f"unix://{one.server.ensure()}") as queue:
        assert queue.counts().queued == 5
        assert one.server.status().durability == durability


# -- how it is asked for


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Of an embedded store, which is stopped afterwards."""
    yield tmp_path / "store"
    with suppress(EmbeddedStoreError):
        EmbeddedServer(tmp_path / "store").stop()


def test_f35_the_url_asks_for_it_and_a_running_server_that_keeps_less_is_refused(directory: Path) -> None:
    always = f"embedded:{directory}?durability=always"
    with Queue("q", redis=f"embedded:{directory}") as queue:
        queue.publish("1")
        with pytest.raises(EmbeddedStoreError, match=r"durability everysec, and always is wanted\. Run `convoy server"):
            Queue("q", redis=always).publish("2")
    assert EmbeddedServer(directory).stop()

    with Queue("q", redis=always) as queue, Queue("q", redis=f"embedded:{directory}") as other:
        queue.publish("2")
        other.publish("3")  # more than it asks for
        assert queue.store == f"embedded ({directory})"
    assert EmbeddedServer(directory).status().durability == "always"


def test_f35_a_url_of_the_default_directory_can_ask_for_it_and_an_unknown_word_is_refused() -> None:
    server = resolve("embedded:?durability=always").embedded_server
    assert server is not None
    assert server.directory == EmbeddedServer().directory
    for word in ("", "no", "always?", "ALWAYS"):
        with pytest.raises(InvalidURL, match="must be everysec or always"):
            resolve(f"embedded:/data?durability={word}")


def test_f35_only_server_start_switches_a_running_server(directory: Path) -> None:
    convoy = Convoy(f"embedded:{directory}")

    assert "durability  everysec" in convoy("server", "start").stdout
    assert "durability  always" in convoy("server", "start", "--durability", "always").stdout
    assert "durability  always" in convoy("server", "start").stdout
    assert convoy.json("server", "status")["durability"] == "always"
    with Queue("q", redis=f"embedded:{directory}?durability=always") as queue:
        queue.publish("1")
    assert "durability  everysec" in convoy("server", "start", "--durability", "everysec").stdout
    refused = convoy("server", "start", env={"CONVOY_REDIS_URL": f"embedded:{directory}?durability=always"})
    assert refused.exit_code == 7
    assert convoy("server", "start", "--durability", "sometimes").exit_code == 2
    convoy("server", "stop")
    assert convoy.json("server", "status")["durability"] is None
    assert "durability  always" in convoy("server", "start", "--durability", "always").stdout
