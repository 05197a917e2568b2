"""`convoy metrics`: printed once, or served until it is told to end."""

from __future__ import annotations

import subprocess
import sys

import pytest

from convoy_core import Fleet
from tests.cli.conftest import ROOT, Convoy
from tests.metrics.scrapes import samples, scrape
from tests.servers import RealServer


def test_without_an_address_they_are_printed_once(convoy: Convoy, fleet: Fleet) -> None:
    fleet.queue("ü").publish("1")

    result = convoy("metrics", env={"LC_ALL": "C", "PYTHONUTF8": "0"})

    assert result.exit_code == 0, result.stderr
    assert samples(result.stdout)["convoy_queue_depth", "ü", "queued"] == 1


def test_a_store_that_is_away_is_told_and_is_no_error(convoy: Convoy, store: RealServer) -> None:
    store.kill()
    try:
        result = convoy("metrics")
    finally:
        store.start()

    assert result.exit_code == 0
    assert samples(result.stdout)[("convoy_store_up",)] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--listen", "nonsense:port"], "is no HOST:PORT, like 127.0.0.1:9464"),
        (["--listen", "203.0.113.1:1"], "Nothing can listen at 203.0.113.1:1"),
        (["--json"], "Prometheus has a form of its own"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(convoy: Convoy, words: list[str], said: str) -> None:
    result = convoy("metrics", *words)

    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_the_missing_extra_is_named(convoy: Convoy) -> None:
    hide = "import sys; sys.modules['prometheus_client'] = None; sys.argv[0] = 'convoy'; "
    program = hide + "from convoy_tui.entry_points import convoy; convoy()"
    ended = subprocess.run(
        [sys.executable, "-c", program, "metrics", "--redis", convoy.url],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip

    assert ended.returncode == 2
    assert "pip install 'convoy-queue[metrics]'" in ended.stderr


def test_served_until_it_is_told_to_end(convoy: Convoy, fleet: Fleet) -> None:
    fleet.queue("trucks").publish("1")
    command = [sys.executable, "-m", "convoy_tui.cli", "metrics", "--listen", "0", "--redis", convoy.url]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            address = next(line for line in process.stderr if line.startswith("http")).strip()
            seen = scrape(int(address.removeprefix("http://127.0.0.1:").removesuffix("/metrics")))
        finally:
            process.terminate()  # the first process of a container would not hear it by itself

    assert seen["convoy_queue_depth", "trucks", "queued"] == 1
    assert process.returncode == 0
