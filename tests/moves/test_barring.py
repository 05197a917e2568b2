"""What bars workers from claiming: a quiet host or worker, and a version that is too low."""

from __future__ import annotations

import pytest

from convoy_core import Bars, Counts, InvalidOption, PoolOptions
from convoy_core.moves.recovering import recover
from convoy_core.moves.working import Round, Settlement, exchange, register, unregister_safely
from convoy_core.versions import is_lower
from tests.moves.keyspace import ALIVE, LEASE, NOW, W, World, claim

OTHER = "b" * 32


@pytest.fixture(autouse=True)
def two_workers(world: World) -> None:
    world.seed(ALIVE)
    start(world, W, "h1")
    start(world, OTHER, "h2")
    world.queue.publish_many(["1", "2", "3"])


def start(world: World, worker: str, host: str, **more: str) -> None:
    world.run(register(world.keys, worker, LEASE, "e", {"host": host, **more}))


def claimed(world: World, worker: str = W, number: int = 7) -> Round:
    return world.run(exchange(world.keys, worker, Settlement(), 1, number, LEASE))


def ids(answer: Round) -> list[bytes]:
    return [one.raw_id for one in answer.claims]


def bars(world: World) -> Bars:
    return world.queue.snapshot().bars


@pytest.mark.parametrize(("who", "because"), [("h1", "host"), (W, "worker")])
def test_who_is_quiet_claims_nothing_and_the_others_go_on(world: World, who: str, because: str) -> None:
    answers = [world.queue.quiet(who), world.queue.quiet(who)]

    mine, theirs = claimed(world), claimed(world, OTHER)

    assert answers == [True, False]
    assert (mine.word, mine.because, ids(mine)) == ("quiet", because, [])
    assert (theirs.word, ids(theirs)) == ("open", [b"1"])


@pytest.mark.parametrize("who", ["h1", W])
def test_it_claims_again_once_that_is_taken_back(world: World, who: str) -> None:
    world.queue.quiet(who)
    claimed(world)

    answers = [world.queue.unquiet(who), world.queue.unquiet(who)]

    assert answers == [True, False]
    assert ids(claimed(world, number=8)) == [b"1"]
    assert "barred" not in world.state()


def test_what_runs_is_settled_all_the_same(world: World) -> None:
    claimed(world)
    world.queue.quiet("h1")

    answer = world.exchange(completed=[claim("1", 7)], want=1, number=8)

    assert (answer.word, answer.stale) == ("quiet", [])
    assert world.queue.counts() == Counts(queued=2, committed=2)


def test_what_was_handed_over_goes_back_to_the_head(world: World) -> None:
    world.client.blmove("cv:q:queued", f"cv:q:claim:{W}", 1)
    world.queue.quiet("h1")

    claimed(world)

    assert world.state()["queued"] == ["1", "2", "3"]
    assert f"claim:{W}" not in world.state()


def test_a_pause_is_told_before_it(world: World) -> None:
    world.queue.quiet("h1")
    world.queue.pause()

    assert claimed(world).word == "paused"


def test_a_host_stays_quiet_for_workers_that_start_there_later(world: World) -> None:
    world.queue.quiet("h9")

    start(world, "c" * 32, "h9")

    assert claimed(world, "c" * 32).word == "quiet"


def test_a_worker_is_quiet_until_it_is_gone(world: World) -> None:
    world.queue.quiet(W)
    world.queue.quiet(OTHER)
    before = bars(world)

    world.drive(unregister_safely(world.keys, W, 20))
    world.queue._connection.now_ms = NOW + 10 * LEASE
    world.drive(recover(world.keys, OTHER, 3))

    assert before == Bars(quiet_workers=tuple(sorted((W, OTHER))))
    assert bars(world) == Bars()
    assert "barred" not in world.state()


def test_a_worker_that_is_not_registered_cannot_be_quiet(world: World) -> None:
    assert world.queue.quiet("f" * 32) is False
    assert bars(world) == Bars()


def test_all_that_bars_is_in_the_snapshot_and_of_each_worker(world: World) -> None:
    start(world, "c" * 32, "h3", version="1.5")
    start(world, "d" * 32, "h4", version="1.3")
    world.queue.quiet("h1")
    world.queue.quiet(OTHER)
    world.queue.set_lowest_version("1.4")

    infos = {info.host: info for info in world.queue.workers()}

    assert bars(world) == Bars(("h1",), (OTHER,), "1.4")
    assert {host: (info.is_quiet, info.is_outdated, info.version) for host, info in infos.items()} == {
        "h1": (True, True, ""),
        "h2": (True, True, ""),
        "h3": (False, False, "1.5"),
        "h4": (False, True, "1.3"),
    }


@pytest.mark.parametrize(
    ("version", "lowest", "lower"),
    [
        ("1.4", "1.4", False), ("1.4.0", "1.4", False), ("1.4", "1.4.0", False), ("1.10", "1.9", False),
        ("1.3.9", "1.4", True), ("2", "1.4", False), ("v1.4", "1.4", False), ("1.4", "v1.4", False),
        ("1.4rc1", "1.4", True), ("1.4-beta.2", "1.4", True), ("1.4.dev3", "1.4", True), ("1.4.1rc1", "1.4", False),
        ("1.4+abc", "1.4", False), ("1.4.post1", "1.4", False), ("1.4-post1", "1.4", False), ("1.4post", "1.4", False),
        ("", "0", True), ("main", "0", True), ("é1", "1", True), ("01.04", "1.4", False), ("1..4", "1.4", False),
        ("999999999.1", "999999999", False), ("1" * 90, "999999999", False), ("1.4\n", "1.4", True), ("٣", "1", True),
    ],
)  # fmt: skip
def test_scripts_and_people_compare_versions_alike(world: World, version: str, lowest: str, lower: bool) -> None:
    if version:
        start(world, W, "h1", version=version)
    world.queue.set_lowest_version(lowest)

    answer = claimed(world)

    assert (answer.word, answer.because) == (("outdated", lowest) if lower else ("open", ""))
    assert is_lower(version, lowest) is lower


def test_the_lowest_version_is_set_and_lifted_once(world: World) -> None:
    answers = [world.queue.set_lowest_version(version) for version in ("1.4", "1.4", "1.5", None, None)]

    assert answers == [True, False, True, True, False]
    assert ids(claimed(world)) == [b"1"]


@pytest.mark.parametrize("version", ["", "x", "1.4rc1", "1..4", "1.4.", "1,4", "1.4\n", "٣"])
def test_a_lowest_version_is_numbers_with_dots(world: World, version: str) -> None:
    with pytest.raises(InvalidOption, match=r"it must be numbers with dots between them, like 1\.4\.2\."):
        world.queue.set_lowest_version(version)


def test_a_label_of_a_pool_is_checked_when_it_is_made() -> None:
    assert PoolOptions(version_label="1.4").version_label == "1.4"
    with pytest.raises(InvalidOption, match="version_label is 5; it must be text of at most 100 characters"):
        PoolOptions(version_label=5)  # type: ignore[arg-type]
