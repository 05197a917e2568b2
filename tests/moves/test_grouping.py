"""Failures in groups: what is said to have broken, and how the failed IDs are counted by it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from convoy_core import FailureGroup, InvalidOption
from convoy_core.failure_groups import WITHOUT_A_RECORD, group_id, what_broke
from convoy_core.handlers.functions import Raised
from convoy_core.handlers.run import Run
from convoy_core.handlers.verdicts import VerdictRules
from convoy_core.jobs import Claim, Failed, Job
from convoy_core.moves import grouping
from convoy_core.options import PoolOptions
from tests.moves.keyspace import NOW, Keyspace, World
from tests.servers import RealServer


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """An empty queue, on Valkey and on Redis."""
    world = World(each_store)
    yield world
    world.close()


# -- what broke


def traced(*frames: str, last: str = "ValueError: no") -> str:
    """A traceback of these `path:function`, the outermost first."""
    lines = ["Traceback (most recent call last):"]
    for number, frame in enumerate(frames):
        path, _, name = frame.rpartition(":")
        lines += [f'  File "{path}", line {number + 7}, in {name}', f"    call({number})"]
    return "\n".join([*lines, last, ""])


OWN = "/srv/app/jobs/trucks.py:crush"
LIBRARY = "/srv/app/.venv/lib/python3.12/site-packages/httpx/_client.py:send"
STANDARD = "/usr/lib/python3.12/json/decoder.py:decode"

TRACEBACKS = {
    "the innermost functions, outwards": ((OWN, "/srv/app/jobs/db.py:load"), "db.py:load < trucks.py:crush"),
    "no more than three": (
        (*(f"/app/a.py:f{n}" for n in range(5)),),
        "a.py:f4 < a.py:f3 < a.py:f2",
    ),
    "no library": ((OWN, LIBRARY, STANDARD), "trucks.py:crush"),
    "no frame of ours": (("/x/site-packages/convoy_core/handlers/functions.py:_work", OWN), "trucks.py:crush"),
    "a callback from a library": ((OWN, LIBRARY, "/srv/app/jobs/hooks.py:check"), "hooks.py:check < trucks.py:crush"),
    "each once, however deep a recursion": ((OWN, *["/app/tree.py:walk"] * 40), "tree.py:walk < trucks.py:crush"),
    "a package's own file with its directory": (("/srv/app/jobs/__init__.py:crush",), "jobs/__init__.py:crush"),
    "Windows": ((r"C:\app\trucks.py:crush", r"C:\Python312\Lib\json\decoder.py:decode"), "trucks.py:crush"),
    "an installed handler": (
        ("/v/lib/python3.12/site-packages/acme/jobs.py:crush", LIBRARY),
        "jobs.py:crush",
    ),
    "nothing but the standard library": ((STANDARD,), "decoder.py:decode"),
}


@pytest.mark.parametrize("name", TRACEBACKS)
def test_an_exception_is_told_by_its_type_and_the_handlers_own_functions(name: str) -> None:
    frames, places = TRACEBACKS[name]

    assert what_broke("ValueError: no 42", traced(*frames)) == f"ValueError in {places}"


def test_line_numbers_and_messages_tell_nothing() -> None:
    one = what_broke("KeyError: 'a'", traced(OWN))
    other = what_broke("KeyError: 'b'", traced(OWN).replace("line 7", "line 9"))

    assert one == other


def test_of_a_chain_the_last_exception_counts() -> None:
    chain = traced("/app/db.py:connect") + "\nDuring handling of the above exception, another occurred:\n\n"

    assert what_broke("RuntimeError", chain + traced(OWN)) == "RuntimeError in trucks.py:crush"


def test_of_an_exception_group_the_innermost_counts() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        _raise_many()
    record = json.loads(_verdict(raised.value).record)

    assert record["group"] == "ExceptionGroup in test_grouping.py:_raise_one < test_grouping.py:_raise_many"


def _raise_one() -> None:
    raise ValueError("one")


def _raise_many() -> None:
    try:
        _raise_one()
    except ValueError as error:
        raise ExceptionGroup("many", [error]) from None


MESSAGES = {
    "exit status 3": "exit status 3",
    "exit status 13: wget: server 10.0.0.7 said 404\n": "exit status 13: wget: server # said #",
    "exit status 1: row 17\nrow 18\n\ncat: '/tmp/x y': No such file": "exit status 1: cat: '..': No such file",
    "exit status 1: can't open /var/spool/4711.txt: denied": "exit status 1: can't open <path>: denied",
    "exit status 1: a.c:12:5: src/deep/b and lib/b.c, and/or": "exit status 1: a.c:#: <path> and <path>, and/or",
    "exit status 1: user `bob' of “x” at 0xDEADbeef": "exit status 1: user '..' of '..' at #",
    "exit status 1: commit 9f86d081884c7d65 not found": "exit status 1: commit # not found",
    "exit status 1: f3f0c5f2-0f4e-4b3a-9d2c-6a1f00e4b1aa bad": "exit status 1: # bad",
    "exit status 1: GET https://a.example/b?c=1 failed": "exit status 1: GET <url> failed",
    "killed by SIGKILL": "killed by SIGKILL",
    "killed by SIGTERM: row 7": "killed by SIGTERM: row #",
    "the handler's process ended: exit status 7": "the handler's process ended: exit status 7",
    "TimedOut: it ran for longer than 2.5 s": "TimedOut: it ran for longer than # s",
    "its worker died 3 times in a row": "its worker died # times in a row",
    "jammed: it had been processing for too long": "jammed: it had been processing for too long",
    "first line\nsecond": "first line",
    "": "no message",
}


@pytest.mark.parametrize("error", MESSAGES)
def test_a_command_is_told_by_its_exit_status_and_its_last_line_without_what_differs(error: str) -> None:
    assert what_broke(error) == MESSAGES[error]


def test_what_broke_is_short_whatever_was_said() -> None:
    assert len(what_broke("exit status 1: " + "word " * 1000)) == 200
    assert len(what_broke("V" * 3000, traced("/app/" + "x" * 3000 + ".py:crush"))) == 200


def test_an_id_of_a_group_never_changes() -> None:
    assert group_id("ValueError in trucks.py:crush") == "9a73ebfd"


def _caught() -> ValueError:
    with pytest.raises(ValueError, match="one") as raised:
        _raise_one()
    return raised.value


def _verdict(error: BaseException) -> Failed:
    claim = Claim(b"42", 1, attempts=2)
    verdict = VerdictRules("w", 0, PoolOptions()).verdict(Raised(error), Run(Job(claim, "q", "w"), claim, 0.0))
    assert isinstance(verdict, Failed)
    return verdict


def test_a_record_begins_with_its_group_and_its_attempt() -> None:
    record = _verdict(_caught()).record

    assert record.startswith('{"group": "ValueError in test_grouping.py:_raise_one')
    assert [*json.loads(record)][:2] == ["group", "attempt"]


# -- the groups of a queue


def record(at: float, error: str, *, what: str = "", attempt: int = 1, traceback: str = "") -> str:
    """A record as the store keeps it: of this release with `what`, of an older one without."""
    group = f'"group":"{what}",' if what else ""
    return (
        f'{{"at":{at:.3f},{group}"attempt":{attempt},"error":{json.dumps(error)},"traceback":{json.dumps(traceback)}}}'
    )


PARTS = "ValueError in trucks.py:crush"
KEYS: Keyspace = {
    "failed": {"a": 1, "b": 1, "c": 2, "d": 3, "e": 4, "n": 5, "x": 6},
    "failure": {
        "a": record(10, "ValueError: 1", what=PARTS),
        "b": record(30, "ValueError: 2\nmore", what=PARTS, attempt=3),
        "c": record(20, "ValueError: 3", traceback=traced(OWN), attempt=2),
        "d": record(5, "exit status 1: file '3'"),
        "e": record(6, "exit status 1: file '4'"),
        "x": "no JSON",
        "delayed": record(99, "ValueError: not failed", what=PARTS),
    },
}


def test_failed_ids_are_counted_by_what_broke(world: World) -> None:
    world.seed(KEYS)

    found = world.queue.failure_groups()

    ended = "exit status 1: file '..'"
    assert found.groups == (
        FailureGroup(group_id(PARTS), PARTS, 3, 10.0, 30.0, 3, ("a", "b", "c"), "ValueError: 2\nmore", "b"),
        FailureGroup(group_id(ended), ended, 2, 5.0, 6.0, 0, ("d", "e"), "exit status 1: file '4'", "e"),
        FailureGroup(group_id(WITHOUT_A_RECORD), WITHOUT_A_RECORD, 2, None, None, 0, ("n", "x"), "", "x"),
    )
    assert (found.total, found.others) == (7, 0)
    assert world.state() == KEYS


def test_the_failures_of_the_last_hour_are_counted_in_twelve_parts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = NOW / 1000
    ages = {"a": 1, "b": 299, "c": 301, "d": 3599, "e": 3601, "f": 90_000, "ahead": -5}
    world.seed(
        {
            "failed": {id: n for n, id in enumerate(ages)},
            "failure": {id: record(now - age, "ValueError: 1", what=PARTS) for id, age in ages.items()},
        }
    )

    (group,) = world.queue.failure_groups().groups
    monkeypatch.setattr(grouping, "BATCH", 2)
    (paged,) = world.queue.failure_groups().groups

    assert group.recent == (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2)
    assert (group.newest, paged) == ("ahead", group)


def test_what_a_pool_writes_is_counted_as_what_an_older_one_wrote(world: World) -> None:
    new = _verdict(_caught()).record
    old = json.dumps({name: value for name, value in json.loads(new).items() if name != "group"})
    world.seed(
        {"failed": {"a": 1, "b": 1}, "failure": {"a": f'{{"at":1.000,{new[1:]}', "b": f'{{"at":1.000,{old[1:]}'}}
    )

    (group,) = world.queue.failure_groups().groups

    assert (group.count, group.retries) == (2, 4)


def test_the_ids_of_a_group_are_listed_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "BATCH", 2)
    world.seed(KEYS)

    assert [*world.queue.ids_of_group(group_id(PARTS))] == ["a", "b", "c"]
    assert [*world.queue.ids_of_group(group_id("exit status 1: file '..'"))] == ["d", "e"]
    assert [*world.queue.ids_of_group(group_id(WITHOUT_A_RECORD))] == ["n", "x"]
    assert [*world.queue.ids_of_group("00000000")] == []


def test_groups_are_the_same_in_pages_and_the_progress_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.seed(KEYS)
    whole = world.queue.failure_groups()
    monkeypatch.setattr(grouping, "BATCH", 2)
    told: list[tuple[int, int]] = []

    paged = world.queue.failure_groups(progress=lambda *numbers: told.append(numbers))

    assert paged == whole
    assert told == [(2, 7), (4, 7), (6, 7), (7, 7)]


def test_beyond_a_limit_further_groups_are_counted_together(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "MOST", 2)
    world.seed(
        {
            "failed": {f"{n}": n for n in range(1, 9)},
            "failure": {f"{n}": record(n, "E", what=f"E in {n % 4}.py:f") for n in range(1, 9)},
        }
    )

    found = world.queue.failure_groups()

    assert [(group.what, group.count) for group in found.groups] == [("E in 1.py:f", 2), ("E in 2.py:f", 2)]
    assert (found.others, found.total) == (4, 8)


def test_records_that_others_wrote_break_nothing(world: World) -> None:
    odd = ["[]", "1", '"x"', "{}", '{"error":5,"at":"soon","attempt":"many"}', '{"at":1e999,"error":"E: 1"}', "\udcff"]
    odd += [
        '{"at":1,"group":7,"error":"E: 1"}',
        '{"at":-4,"attempt":-4,"error":"E: 1"}',
        '{"at":.,"group":"g","attempt":9,"error":"\\x"',
        '{"at":1,"group":"g","attempt":1,"error":"cut',
        '{"at":0,"group":"g","attempt":1,"error":"cut\\',
    ]
    odd += ['{"group":"quoted \\"x\\"","error":"E"}', "[" * 1500]
    world.seed(
        {"failed": {f"{n}": n for n in range(len(odd))}, "failure": {f"{n}": text for n, text in enumerate(odd)}}
    )

    found = world.queue.failure_groups()

    counted = {group.what: group.count for group in found.groups}
    assert counted == {WITHOUT_A_RECORD: 7, "E: #": 3, "g": 3, 'quoted "x"': 1}
    assert found.total == len(odd)


def test_an_empty_queue_has_no_groups(world: World) -> None:
    world.seed({})

    assert (world.queue.failure_groups().groups, [*world.queue.ids_of_group("00000000")]) == ((), [])


@pytest.mark.parametrize("bad", ["", "xyz", "0A1B2C3D", "0a1b2c3d4"])
def test_what_cannot_be_the_id_of_a_group_is_refused(world: World, bad: str) -> None:
    with pytest.raises(InvalidOption, match=r"group is '.*'; it must be the ID of a group: eight hexadecimal digits"):
        [*world.queue.ids_of_group(bad)]
