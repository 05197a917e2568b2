"""What is discarded is saved first: whatever cuts a discard short, nothing is lost, and restoring brings all back."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from convoy_core import (
    AsyncQueue,
    DelayPolicy,
    InvalidInput,
    InvalidOption,
    NotKept,
    Outcome,
    PayloadPolicy,
    Queue,
    Record,
    State,
)
from convoy_core.kept import KEPT_S, KeptFile, KeptRecords, default_path
from tests.moves.keyspace import Value, dump
from tests.servers import RealServer

N = 1200
OURS = {
    "queued",
    "delayed",
    "committed",
    "failed",
    "payload",
    "attempts",
    "failures",
    "published",
    "failure",
}


@pytest.fixture
def queue(each_store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=each_store.url) as queue, each_store.client() as client:
        queue.publish_many([f"queued {n}" for n in range(N)], payload="cargo")
        queue.publish_many(["queued 7", "queued 9", "queued 9"])  # absorbed
        queue.publish_many([f"delayed {n}" for n in range(N)], delay_s=60)
        client.zadd("cv:q:failed", {f"failed {n}": n + 1 for n in range(N)})
        client.hset("cv:q:failure", mapping={f"failed {n}": f'{{"error":"no {n}"}}' for n in range(N)})
        client.hset("cv:q:payload", "failed 3", b"b\x00\xff")
        client.hset("cv:q:attempts", "delayed 5", "2")
        yield queue


def _ours(server: RealServer) -> dict[str, Value]:
    with server.client() as client:
        return {name: value for name, value in dump(client).items() if name in OURS}


def _file(tmp_path: Path) -> KeptFile:
    return KeptFile("q", "here", tmp_path / "kept")


@pytest.mark.parametrize("state", [State.QUEUED, State.DELAYED, State.FAILED])
@pytest.mark.parametrize("is_named", [True, False], ids=["named", "all"])
def test_what_was_discarded_is_brought_back_as_it_was(
    queue: Queue, each_store: RealServer, tmp_path: Path, state: State, is_named: bool
) -> None:
    before = _ours(each_store)
    with _file(tmp_path) as kept:
        if is_named:
            outcomes = queue.discard([*(f"{state} {n}" for n in range(N)), "nowhere"], state=state, keep=kept)
            assert outcomes.pop("nowhere") is Outcome.GONE
            assert set(outcomes.values()) == {Outcome.DISCARDED}
        else:
            assert queue.discard_all(state, keep=kept) == N
    assert getattr(queue.counts(), state.value) == 0
    assert kept.count == N

    restored = queue.restore(KeptRecords(kept.path))
    again = queue.restore(KeptRecords(kept.path))

    assert {answer.value: n for answer, n in restored.items()} == {state.value: N}
    assert {answer.value: n for answer, n in again.items()} == {"present": N}
    assert _ours(each_store) == before
    assert [queue.show(f"queued {n}").requests for n in (7, 8, 9)] == [2, 1, 3]


def test_an_id_that_is_in_another_state_is_not_kept(queue: Queue, tmp_path: Path) -> None:
    with _file(tmp_path) as kept:
        outcomes = queue.discard(["queued 1", "failed 1", "delayed 1"], state=State.FAILED, keep=kept)

    assert outcomes == {"queued 1": Outcome.GONE, "failed 1": Outcome.DISCARDED, "delayed 1": Outcome.GONE}
    assert [record.id for record in KeptRecords(kept.path)] == ["failed 1"]


class Meddler:
    """A Keep in whose midst, after the first slice was saved, something else happens."""

    def __init__(self, kept: KeptFile, act: Callable[[], object]) -> None:
        self._kept = kept
        self._act: Callable[[], object] | None = act

    def save(self, records: Sequence[Record]) -> None:
        self._kept.save(records)
        if self._act is not None:
            act, self._act = self._act, None
            act()

    def spare(self, ids: Sequence[str]) -> None:
        self._kept.spare(ids)


@pytest.mark.parametrize("is_named", [True, False], ids=["named", "all"])
def test_what_is_gone_before_it_could_be_discarded_is_not_brought_back(
    queue: Queue, tmp_path: Path, is_named: bool
) -> None:
    with _file(tmp_path) as kept:
        keep = Meddler(kept, lambda: queue.requeue(["failed 1", "failed 2"]))
        if is_named:
            queue.discard([f"failed {n}" for n in range(5)], state=State.FAILED, keep=keep)
        else:
            queue.discard_all(State.FAILED, limit=5, keep=keep)

    expected = [0, 3, 4] if is_named else [0, 3, 4, 5, 6]  # all that were asked for are there
    assert [record.id for record in KeptRecords(kept.path)] == [f"failed {n}" for n in expected]
    assert kept.count == len(expected)
    assert queue.show("failed 1").state is State.QUEUED


def test_what_has_changed_meanwhile_is_kept_as_it_was_when_it_was_discarded(queue: Queue, tmp_path: Path) -> None:
    def change() -> None:
        queue.publish("delayed 1", payload={"new": 1}, payload_policy=PayloadPolicy.REPLACE)
        queue.publish("delayed 2", delay_s=3600, delay_policy=DelayPolicy.LATER)
        queue.publish("delayed 3")

    with _file(tmp_path) as kept:
        ids = [f"delayed {n}" for n in range(5)]
        outcomes = queue.discard(ids, state=State.DELAYED, keep=Meddler(kept, change))

    assert set(outcomes.values()) == {Outcome.DISCARDED}
    assert kept.count == 5
    records = {record.id: record for record in KeptRecords(kept.path)}
    assert records.keys() == set(ids)
    assert records["delayed 1"].payload == {"new": 1}
    assert (records["delayed 2"].due or 0) > time.time() + 3000
    assert [records[f"delayed {n}"].requests for n in range(5)] == [1, 2, 2, 2, 1]


class Failing:
    """A Keep that fails at its third slice."""

    def __init__(self, kept: KeptFile, error: BaseException) -> None:
        self._kept = kept
        self._error = error
        self._left = 2

    def save(self, records: Sequence[Record]) -> None:
        if not self._left:
            raise self._error
        self._left -= 1
        self._kept.save(records)

    def spare(self, ids: Sequence[str]) -> None:
        self._kept.spare(ids)


@pytest.mark.parametrize("error", [NotKept("full"), KeyboardInterrupt()], ids=repr)
def test_nothing_is_discarded_that_is_not_saved(
    queue: Queue, each_store: RealServer, tmp_path: Path, error: BaseException
) -> None:
    before = _ours(each_store)
    with _file(tmp_path) as kept, pytest.raises(type(error)):
        queue.discard_all(State.DELAYED, keep=Failing(kept, error))

    left = queue.counts().delayed
    assert (kept.count, left) == (1000, 200)
    queue.restore(KeptRecords(kept.path))
    assert _ours(each_store) == before


def test_a_full_disk_stops_the_discard_before_the_first(queue: Queue) -> None:
    with KeptFile("q", "here", "/dev/full") as kept, pytest.raises(NotKept, match="No space left on device"):
        queue.discard_all(State.FAILED, keep=kept)

    assert queue.counts().failed == N
    assert kept.count == 0


def test_a_file_that_was_cut_short_in_a_slice_brings_back_all_that_may_have_been_discarded(
    queue: Queue, tmp_path: Path
) -> None:
    with _file(tmp_path) as kept:
        queue.discard_all(State.FAILED, limit=3, keep=kept)
    whole = kept.path.read_bytes().splitlines(keepends=True)
    (tmp_path / "cut").write_bytes(b"".join(whole[:4]) + whole[4][:10])

    records = KeptRecords(tmp_path / "cut")

    assert [record.id for record in records] == ["failed 0", "failed 1", "failed 2"]
    assert records.is_cut
    assert [record.id for record in KeptRecords(kept.path)] == ["failed 0", "failed 1", "failed 2"]


def test_a_running_id_of_which_a_copy_is_queued_loses_the_copy_alone(queue: Queue, each_store: RealServer) -> None:
    with each_store.client() as client, KeptFile("q", "here") as kept:
        client.zadd("cv:q:processing", {"queued 0": 1})

        assert queue.discard_all(State.QUEUED, limit=1, keep=kept) == 1
        assert queue.show("queued 0").state is State.PROCESSING


def test_ids_that_workers_claim_meanwhile_are_theirs(queue: Queue, each_store: RealServer, tmp_path: Path) -> None:
    taken: list[bytes] = []

    def claim() -> None:
        with each_store.client() as client:
            taken.extend(client.lpop("cv:q:queued", 600))  # as a Node worker does first

    with _file(tmp_path) as kept:
        assert queue.discard_all(State.QUEUED, keep=Meddler(kept, claim)) == N - 600

    kept_ids = [record.id.encode() for record in KeptRecords(kept.path)]
    assert set(kept_ids).isdisjoint(taken)
    assert len(kept_ids) == N - 600


async def test_the_awaited_twin_keeps_as_well(store: RealServer, tmp_path: Path) -> None:
    queue = AsyncQueue("q", redis=store.url)
    await queue.publish_many(["1", "2", "3"], payload=5)
    with _file(tmp_path) as kept:
        assert await queue.discard(["1"], state=State.QUEUED, keep=kept) == {"1": Outcome.DISCARDED}
        assert await queue.discard_all(State.QUEUED, keep=kept) == 2

    await queue.restore(KeptRecords(kept.path))

    assert [entry.id async for entry in queue.entries(State.QUEUED)] == ["1", "2", "3"]
    assert (await queue.show("3")).payload == 5
    await queue.close()


# -- the file


def test_the_file_is_its_users_alone_and_at_the_usual_place(queue: Queue, tmp_path: Path) -> None:
    with KeptFile("q", "here") as kept:
        queue.discard(["failed 1"], state=State.FAILED, keep=kept)

    assert kept.path.parent == tmp_path / ".local" / "state" / "convoy" / "discarded"
    assert kept.path.name.startswith("q-2")
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.path.parent.stat().st_mode) == 0o700
    records = KeptRecords(kept.path)
    assert (records.queue, records.store) == ("q", "here")


@pytest.mark.parametrize("name", ["a/b", "x:{y}", "..", "ü"])
def test_any_name_of_a_queue_makes_a_name_of_a_file(name: str) -> None:
    assert default_path(name).parent == default_path("q").parent


def test_nothing_discarded_leaves_no_file(queue: Queue, tmp_path: Path) -> None:
    with _file(tmp_path) as kept:
        queue.discard(["nowhere"], state=State.FAILED, keep=kept)
        queue.discard(["nowhere"], state=State.QUEUED, keep=kept)
    with _file(tmp_path) as vain:
        queue.discard(["failed 1"], state=State.FAILED, keep=Meddler(vain, lambda: queue.requeue(["failed 1"])))

    assert not kept.path.exists()


def test_a_file_that_is_there_is_not_written_to(queue: Queue, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    with _file(tmp_path) as kept, pytest.raises(InvalidOption, match="is there already"):
        queue.discard(["failed 1"], state=State.FAILED, keep=kept)

    assert (tmp_path / "kept").read_text() == "mine"
    assert queue.show("failed 1").state is State.FAILED


def test_old_files_at_the_usual_place_are_removed_by_the_next_discard(queue: Queue) -> None:
    files = []
    for age_s in (KEPT_S + 60, KEPT_S - 60):
        with KeptFile("q", "here") as kept:
            queue.discard_all(State.FAILED, limit=1, keep=kept)
        os.utime(kept.path, (time.time() - age_s,) * 2)
        files.append(kept.path)
    (files[0].parent / "mine.jsonl").write_text("")
    os.utime(files[0].parent / "mine.jsonl", (0, 0))

    with KeptFile("q", "here") as kept:
        queue.discard_all(State.FAILED, limit=1, keep=kept)

    assert [file.exists() for file in [*files, files[0].parent / "mine.jsonl", kept.path]] == [False, True, True, True]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no file of `convoy discard`"),
        ('{"schema": "convoy.export/1", "id": "1"}\n', "is no file of `convoy discard`"),
        ("nonsense\n", "line 1: this is no object of JSON"),
        ("HEAD{\n", "line 2: this is no object of JSON"),
        ('HEAD{"schema": "convoy.export/1", "id": ""}\n', "line 2: A job ID must not be empty"),
    ],
)
def test_what_is_no_such_file_is_refused_by_line(tmp_path: Path, text: str, says: str) -> None:
    head = json.dumps({"schema": "convoy.discarded/1", "queue": "q", "store": "here"}) + "\n"
    (tmp_path / "kept").write_text(text.replace("HEAD", head))

    with pytest.raises(InvalidInput, match=says):
        list(KeptRecords(tmp_path / "kept"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="none cannot be read: No such file"):
        KeptRecords(tmp_path / "none")
