"""The Lua scripts as a whole: what they declare, what they do when the store is damaged, and when they run twice."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from convoy_core import (
    AuditEntry,
    DelayPolicy,
    Fault,
    FaultKind,
    Jammed,
    PayloadPolicy,
    Record,
    State,
    StoreDamaged,
    StoreError,
)
from convoy_core.models import Outcome, QueueLimits, Then
from convoy_core.moves.call import of, per_id
from convoy_core.moves.dumping import named_rows
from convoy_core.moves.history import note_history
from convoy_core.moves.keys import TYPES
from convoy_core.moves.recovering import LATE_MS, expired_leases, held_claims, reclaim, recover, unregistered_holders
from convoy_core.moves.scripts import load
from convoy_core.moves.working import Pulse, fence, promote, register, renew, sweep, unregister
from convoy_core.states import MOVES
from tests.moves.keyspace import (
    DAY,
    LEASE,
    NOW,
    SECOND,
    Keyspace,
    Value,
    W,
    World,
    claim,
    commands,
    dump,
    failure,
)
from tests.servers import RealServer

ROOT = Path(__file__).parents[2]
LUA = ROOT / "convoy_core" / "moves" / "lua"
FILES = sorted(LUA.rglob("*.lua"))


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """An empty queue, on Valkey and on Redis."""
    world = World(each_store)
    yield world
    world.close()


# -- one keyspace in which every script finds something to do

DEAD = "dd"
CONTEXT = f"00-{'a' * 32}-{'b' * 16}-01"
GONE = "ee"
"""Unregistered long ago."""
HOLDERS = {"p1": f"{W}:1", "p2": f"{W}:2", "p3": f"{W}:3", "p4": f"{W}:4", "p5": f"{DEAD}:1", "p6": f"{DEAD}:2"}
BUSY: Keyspace = {
    "queued": ["q1", "q2"],
    f"claim:{W}": ["c1"],
    f"claim:{DEAD}": ["c2"],
    f"claim:{GONE}": ["c3"],
    "delayed": {"d1": NOW - 1, "d2": NOW + 9},
    "committed": {"q1", "q2", "c1", "c2", "c3", "d1", "d2", "n1", *HOLDERS},
    "processing": dict.fromkeys([*HOLDERS, "n1"], SECOND - 100),
    "started": dict.fromkeys(HOLDERS, NOW - 100_000),
    "owner": {id: f"{token}@{NOW - 100_000}" for id, token in HOLDERS.items()},
    "failed": {"f1": 2},
    "failure": {"f1": '{"error":"boom"}'},
    "workers": {W: NOW + LEASE, DEAD: NOW - LATE_MS},
    "departed": {GONE: NOW - 1},
    f"worker:{W}": {"host": "h"},
    f"worker:{DEAD}": {"host": "h"},
    "published": dict.fromkeys(["over", "q1", "q2", "c1", "c2", "c3", "d1", "d2", *HOLDERS], str(NOW - 100_000)),
    "attempts": {"p1": "1", "q1": "1"},
    "failures": {"p2": "1", "q1": "1"},
    "crashes": {"p5": "1", "p6": "2", "q1": "1"},
    "payload": {"q1": "sx", "p1": "sx"},
    "rerun": {"p3"},
    "requests": {"q1": "2 5", "p1": "1 5", "p3": "1 5 3 6"},
    "traces": {"q1": CONTEXT, "p1": CONTEXT, "p3": f"{CONTEXT}/{CONTEXT}", "over": CONTEXT},
    "cancelling": {"p4": f"{W}:4", "p6": f"{DEAD}:2"},
    "totals": {"done": "1"},
    "limits": {"concurrency": "9", "rate": "50", "period": "1000", "burst": "5", "turn:ff": str(NOW - 5000)},
    "about": {"until": str(NOW + 50), "since": str(NOW), "by": "ann", "words": "", "known": "", "note": "n"},
    "barred": {"host:old": str(NOW), f"worker:{DEAD}": str(NOW)},
    "meta": {"schema": "1", "epoch": "e"},
    f"errorLog.{DAY}": ["older"],
}


def _settle(world: World) -> object:
    return world.exchange(
        completed=[claim("p1", 1), claim("p3", 3)],
        failed=[(claim("p2", 2), failure())],
        released=[claim("p4", 4)],
        want=2,
    )


def _retry(world: World) -> object:
    return world.exchange(failed=[(claim("p1", 1), failure(retry_ms=50))])


def _renew(world: World) -> object:
    held = [(b"p1", 1), (b"p5", 1)]
    return world.run(renew(world.keys, W, 2 * LEASE, Pulse(5, 2, held, None, "1 3 2 5 1"), held))


def _free(then: Then) -> Callable[[World], object]:
    seen = [Jammed(id, SECOND - 100, 100, None, False) for id in ("n1", "p6", "p3")]
    return lambda world: world.queue.free_jammed(seen, then=then)


FAULTS = [
    Fault(FaultKind.ORPHANED, "p5"),
    Fault(FaultKind.ORPHANED, "p6"),
    Fault(FaultKind.ORPHANED, "c2", DEAD),
    Fault(FaultKind.LEFTOVER, "over"),
    Fault(FaultKind.MISSING, "q1"),
]


def _check_key(name: str) -> Callable[[World], object]:
    return lambda world: world.run(of("check_key", world.keys, (name, "0", 10, NOW, LATE_MS), list))


def _check_ids(world: World) -> object:
    suspects = [part for letter in "omdlux" for part in (letter, "p5", "")]
    return world.run(of("check_ids", world.keys, (LATE_MS, *suspects, "o", "c2", DEAD, "d", "c2", DEAD), list))


def _discard(id: str, state: State) -> Callable[[World], object]:
    return lambda world: world.queue.discard([id], state=state)


class Remember:
    """A Keep for tests: in memory."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def save(self, records: Sequence[Record]) -> None:
        """Remember them."""
        self.records += records

    def spare(self, ids: Sequence[str]) -> None:
        """Forget these."""
        self.records = [record for record in self.records if record.id not in ids]


def _discard_kept(id: str, state: State) -> Callable[[World], object]:
    return lambda world: world.queue.discard([id, "x"], state=state, keep=Remember())


def _page(state: State | None) -> Callable[[World], object]:
    return lambda world: world.queue.page(state)


def _dump(state: State) -> Callable[[World], object]:
    return lambda world: list(world.queue.dump(state))


def _replace(world: World) -> object:
    ids = ["new", "q1", "d1", "p1"]
    how: dict[str, Any] = {"payload_policy": PayloadPolicy.REPLACE, "delay_policy": DelayPolicy.EARLIER}
    return world.queue.publish_many(ids, payload=2, delay_s=1, rerun=True, **how)


def _acted(verb: str) -> AuditEntry:
    return AuditEntry("q", 5.0, 5.0, "ann", "library", verb, {}, (), "", "op", "1-1")


def _withdraw(world: World) -> object:
    first = ("", NOW - 100_000)
    return world.drive(per_id("withdraw", world.keys, first, [b"q2", b"x"], Outcome, dry_run=False, size=9))


RECORDS = [
    Record("new", State.QUEUED, raw_payload=b"sx", attempts=1, failures=2, crashes=1),
    Record("later", State.DELAYED, due=SECOND + 60, raw_failure=b'{"error":"boom"}'),
    Record("bad", State.FAILED, failures=3),
    Record("f1", State.FAILED),
]


WRITES: dict[str, tuple[str, Callable[[World], object]]] = {
    "publish": ("publish", lambda world: world.queue.publish_many(["new", "f1", "p1"], payload=1, rerun=True)),
    "publish delayed": ("publish", lambda world: world.queue.publish_many(["new", "f1", "p1"], delay_s=5)),
    "publish with policies": ("publish", _replace),
    "promote": ("promote", lambda world: world.run(promote(world.keys, 10, LEASE))),
    "exchange": ("exchange", _settle),
    "exchange with a retry": ("exchange", _retry),
    "exchange with a cancelled run": ("exchange", lambda world: world.exchange(cancelled=[claim("p4", 4)])),
    "exchange with a deferral": ("exchange", lambda world: world.exchange(deferred=[(claim("p1", 1), 50)])),
    "register": ("register", lambda world: world.run(register(world.keys, W, 2 * LEASE, "new", {"pid": 5}))),
    "renew": ("renew", _renew),
    "unregister": ("unregister", lambda world: world.run(unregister(world.keys, W, 0, counted="1 3 2 5 1"))),
    "fence": ("fence", lambda world: world.run(fence(world.keys, W, 50))),
    "reclaim": ("reclaim", lambda world: world.run(reclaim(world.keys, 0))),
    "recover": ("recover", lambda world: world.drive(recover(world.keys, DEAD, 3))),
    "jam_guard requeue": ("jam_guard", _free(Then.REQUEUE)),
    "jam_guard fail": ("jam_guard", _free(Then.FAIL)),
    "jam_guard discard": ("jam_guard", _free(Then.DISCARD)),
    "requeue": ("requeue", lambda world: world.queue.requeue(["f1", "q1"])),
    "withdraw": ("withdraw", _withdraw),
    "undo": ("undo", lambda world: world.queue.undo(_acted("resume"))),
    "undo limits": ("undo", lambda world: world.queue.undo(replace(_acted("limit"), before=QueueLimits(3)))),
    "discard queued": ("discard", _discard("q1", State.QUEUED)),
    "discard delayed": ("discard", _discard("d1", State.DELAYED)),
    "discard failed": ("discard", _discard("f1", State.FAILED)),
    "discard_all queued": ("discard_first", lambda world: world.queue.discard_all(State.QUEUED)),
    "discard_all delayed": ("discard_first", lambda world: world.queue.discard_all(State.DELAYED)),
    "discard_all failed": ("discard_first", lambda world: world.queue.discard_all(State.FAILED)),
    "discard kept queued": ("discard_saved", _discard_kept("q1", State.QUEUED)),
    "discard kept failed": ("discard_saved", _discard_kept("f1", State.FAILED)),
    "discard_all kept queued": (
        "discard_saved",
        lambda world: world.queue.discard_all(State.QUEUED, keep=Remember()),
    ),
    "discard_all kept delayed": (
        "discard_saved",
        lambda world: world.queue.discard_all(State.DELAYED, keep=Remember()),
    ),
    "restore": ("restore", lambda world: world.queue.restore(RECORDS)),
    "cancel": ("cancel", lambda world: world.queue.cancel(["q1", "c1", "c3", "d1", "p1", "n1", "f1", "x"])),
    "sweep": ("sweep", lambda world: world.drive(sweep(world.keys, (), 1000))),
    "repair": ("repair", lambda world: world.queue.repair(FAULTS)),
    "pause": ("pause", lambda world: world.queue.pause()),
    "resume": ("resume", lambda world: world.queue.resume()),
    "record": ("start_recording", lambda world: world.queue.record(for_s=60)),
    "stop_recording": ("stop_recording", lambda world: world.queue.stop_recording()),
    "acknowledge": ("acknowledge", lambda world: world.queue.acknowledge(for_s=60, note="n", words=["BEHIND"])),
    "end_acknowledgement": ("end_acknowledgement", lambda world: world.queue.end_acknowledgement()),
    "describe": ("describe", lambda world: world.queue.describe(owner="team", note="")),
    "quiet": ("quiet", lambda world: world.queue.quiet("new")),
    "unquiet": ("unquiet", lambda world: world.queue.unquiet("old")),
    "set_lowest_version": ("set_lowest_version", lambda world: world.queue.set_lowest_version("1.4")),
    "set_limits": ("set_limits", lambda world: world.queue.set_limits(concurrency=7, rate=5, period_s=60)),
    "note_history": ("note_history", lambda world: world.run(note_history(world.keys))),
    "set_limits none": ("set_limits", lambda world: world.queue.set_limits()),
}
READS: dict[str, tuple[str, Callable[[World], object]]] = {
    "counts": ("counts", lambda world: world.queue.counts()),
    "jammed": ("jammed", lambda world: world.queue.jammed(idle_s=5)),
    "show": ("show", lambda world: world.queue.show("p1")),
    "unregistered_holders": ("unregistered_holders", lambda world: world.run(unregistered_holders(world.keys, 0))),
    "expired_leases": ("expired_leases", lambda world: world.run(expired_leases(world.keys))),
    "errors": ("errors", lambda world: world.queue.errors()),
    "audit": ("audited", lambda world: world.queue.audit()),
    "failures": ("failures", lambda world: world.queue.failure_groups()),
    "requeued": ("requeued", lambda world: world.queue.requeued(_acted("requeue"))),
    "history": ("history", lambda world: world.queue.history(0)),
    "limits": ("limits", lambda world: world.queue.limits()),
    "workers": ("workers", lambda world: world.queue.workers()),
    "states": ("states", lambda world: [*world.queue.states(["q1", "p1", "d1", "f1", "x"])]),
    "recording": ("recording", lambda world: world.queue.recording()),
    "trace": ("recorded", lambda world: [*world.queue.trace()]),
    "entries": ("entries", lambda world: world.run(of("entries", world.keys, (), int))),
    "check_list": ("check_list", lambda world: world.run(of("check_list", world.keys, (0, 10), list))),
    "check_key committed": ("check_key", _check_key("committed")),
    "check_key owner": ("check_key", _check_key("owner")),
    "check_key payload": ("check_key", _check_key("payload")),
    "check_claim_lists": (
        "check_claim_lists",
        lambda world: world.run(of("check_claim_lists", world.keys, (LATE_MS, W, DEAD, GONE), list)),
    ),
    "check_ids": ("check_ids", _check_ids),
    "dump queued": ("dump", _dump(State.QUEUED)),
    "dump delayed": ("dump", _dump(State.DELAYED)),
    "dump processing": ("dump", _dump(State.PROCESSING)),
    "dump failed": ("dump", _dump(State.FAILED)),
    "records queued": ("records", lambda world: world.run(named_rows(world.keys, State.QUEUED, [b"q1", b"x"]))),
    "records failed": ("records", lambda world: world.run(named_rows(world.keys, State.FAILED, [b"f1", b"x"]))),
    "page queued": ("page", _page(State.QUEUED)),
    "page delayed": ("page", _page(State.DELAYED)),
    "page processing": ("page", _page(State.PROCESSING)),
    "page failed": ("page", _page(State.FAILED)),
    "page committed": ("page", _page(None)),
}
BELOW = {
    "exchange": [f"claim:{W}", f"worker:{W}", f"errorLog.{DAY}"],
    "exchange with a retry": [f"errorLog.{DAY}"],
    "register": [f"worker:{W}"],
    "renew": [f"worker:{W}"],
    "unregister": [f"claim:{W}", f"worker:{W}"],
    "reclaim": [f"claim:{GONE}"],
    "fence": [f"worker:{W}"],
    "note_history": ["history:seconds", "history:minutes", "history:hours"],
    "history": ["history:seconds", "history:minutes"],
    "recover": [f"claim:{DEAD}", f"errorLog.{DAY}"],
    "jam_guard requeue": [f"errorLog.{DAY}"],
    "jam_guard fail": [f"errorLog.{DAY}"],
    "workers": [f"worker:{W}"],
    "record": ["recording:moves", "recording:bytes"],
    "recording": ["recording:moves"],
    "trace": ["recording:moves"],
    "cancel": [f"claim:{W}", f"claim:{GONE}"],
}
"""Keys below a prefix, which a script names by itself."""

OF_MANY = {"snapshot", "histories", "durations", "pools"}
"""Reads of many queues at a time."""

ALL = WRITES | READS


# -- the table and the files


def test_the_table_of_moves_equals_the_headers_of_the_scripts() -> None:
    headers = {}
    for file in FILES:
        first = file.read_text().partition("\n")[0]
        if move := re.fullmatch(r"-- (\w+): ([\w, ]+) -> ([\w, ]+)", first):
            headers[move[1]] = (set(move[2].split(", ")), set(move[3].split(", ")))
            assert move[1] == file.stem

    assert headers == {move.name: (set(move.sources), set(move.targets)) for move in MOVES.values()}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_says_first_what_it_is(file: Path) -> None:
    if file.stem != "prelude":
        assert file.read_text().startswith(f"-- {file.stem}: ")


def test_every_script_is_sent_by_some_operation_here() -> None:
    fragments = {name for file in FILES for word in ("with", "here") for name in _header(file.read_text(), word)}
    tops = {file.stem for file in FILES} - fragments - {"prelude", "on_demand", *OF_MANY}

    assert {name for name, _ in ALL.values()} == tops


@pytest.mark.parametrize("file", [file for file in FILES if file.stem != "prelude"], ids=lambda file: file.stem)
def test_a_file_uses_exactly_the_keys_it_declares(file: Path) -> None:
    text = file.read_text()
    declared = {*_header(text, "keys"), *_header(text, "each")}

    used = _names_in(text) & TYPES.keys()

    borrowed = {key for word in ("with", "here") for name in _header(text, word) for key in load(name).keys}
    assert declared <= used
    assert used <= declared | borrowed


def _header(text: str, word: str) -> list[str]:
    return [name for line in re.findall(rf"^ *-- {word}: (.+)$", text, re.MULTILINE) for name in line.split()]


def _names_in(lua: str) -> set[str]:
    """The names that a Lua text uses from outside: no comments, no strings, no locals or parameters of its own."""
    code = re.sub(r"--[^\n]*|'[^'\n]*'", " ", lua)
    own = {
        name
        for names in re.findall(r"\blocal ((?:\w+, )*\w+) =", code) + re.findall(r"\bfunction \w*\((.*?)\)", code)
        for name in re.findall(r"\w+", names)
    }
    return set(re.findall(r"\w+", code)) - own


@pytest.mark.parametrize("name", sorted({name for name, _ in ALL.values()} | OF_MANY))
def test_a_script_is_known_to_the_server_by_the_hash_we_send(world: World, name: str) -> None:
    script = load(name)

    assert world.client.script_load(script.portable.source) == script.portable.sha


def test_the_wheel_holds_every_script(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]

    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)

    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".lua")}
    assert packed == {str(file.relative_to(ROOT)) for file in FILES}


# -- how they are sent


@pytest.mark.parametrize("name", ALL)
def test_f33_a_forgotten_script_is_sent_again(world: World, name: str) -> None:
    world.seed(BUSY)
    ALL[name][1](world)
    expected = world.state()
    world.seed(BUSY)
    world.client.script_flush()

    ALL[name][1](world)

    assert world.state() == expected


def test_f33_the_text_is_sent_once(world: World) -> None:
    world.seed({})

    first = commands(world.client, lambda: world.queue.publish("a"))
    second = commands(world.client, lambda: world.queue.publish("b"))

    assert (first.get("evalsha"), first.get("eval")) == (1, 1)
    assert (second.get("evalsha"), second.get("eval")) == (1, None)


@pytest.mark.parametrize("name", READS)
def test_s14_a_read_is_sent_as_one(world: World, name: str) -> None:
    world.seed(BUSY)

    sent = commands(world.client, lambda: READS[name][1](world))

    assert {word for word in sent if word.startswith("eval")} <= {"evalsha_ro", "eval_ro"}
    assert world.state() == BUSY


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("publish", (0, "", "", "", b"", "new")),
        ("requeue", ("", "", "", "f1")),
        ("withdraw", ("", "", NOW - 100_000, "q2")),
        ("undo", ("", "", "resume", "1-1")),
        ("discard", ("", "", "failed", "f1")),
        ("cancel", ("", "", "", "p1")),
    ],
)
def test_s14_the_store_itself_keeps_a_dry_run_from_writing(world: World, name: str, arguments: tuple[str, ...]) -> None:
    before: Keyspace = {
        **BUSY,
        "failures": {"p2": "1", "q1": "1", "q2": "1"},
    }  # q2 was requeued, so it can be withdrawn
    world.seed(before)

    with pytest.raises(StoreError):
        world.run(of(name, world.keys, arguments, list, dry=True))

    assert world.state() == before


# -- a damaged store


def _wrong(kind: str) -> dict[str, Value]:
    values: dict[str, Value] = {"string": "x", "list": ["x"], "set": {"x"}, "zset": {"x": 1}, "hash": {"x": "1"}}
    return {name: value for name, value in values.items() if name != kind}


_BELOW_TYPES = {
    "claim": "list",
    "worker": "hash",
    "errorLog": "list",
    "history": "list",
    "recording:moves": "stream",
    "recording:bytes": "string",
}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (name, key)
        for name, (script, _) in ALL.items()
        for key in [*(key for key in load(script).keys if TYPES[key]), *BELOW.get(name, [])]
    ],
)
def test_f31_s21_a_key_of_a_wrong_type_stops_a_script_before_it_writes(world: World, name: str, key: str) -> None:
    kind = TYPES.get(key) or _BELOW_TYPES.get(key) or _BELOW_TYPES[re.split("[:.]", key)[0]]
    for wrong in _wrong(kind).values():
        before = {**BUSY, key: wrong}
        world.seed(before)

        with pytest.raises(StoreDamaged):
            ALL[name][1](world)

        assert world.state() == before


@pytest.mark.parametrize("key", ["queued", "committed", "owner", "totals", "published", "failed"])
def test_f31_a_stream_is_a_wrong_type_as_well(world: World, key: str) -> None:
    """Named even where no check of ours, but the command itself, has met it."""
    world.seed({})
    world.client.xadd(f"cv:q:{key}", {"a": "b"})

    with pytest.raises(StoreDamaged, match=rf"cv:q:{key} holds a stream, where Convoy keeps a {TYPES[key]}"):
        world.queue.publish("a")

    assert world.client.keys("cv:q:*") == [f"cv:q:{key}".encode()]


@pytest.mark.parametrize("value", ["abc", "1.5", "1e21", "inf"])
@pytest.mark.parametrize("key", ["failures", "attempts", "crashes", "totals"])
@pytest.mark.parametrize(
    "name", ["exchange", "exchange with a retry", "recover", "jam_guard requeue", "jam_guard fail"]
)
def test_f31_a_count_that_is_no_number_loses_no_id(world: World, name: str, key: str, value: str) -> None:
    fields = ["done", "failed", "retried", "recovered", "jammed", "released"] if key == "totals" else list(HOLDERS)
    world.seed({**BUSY, key: dict.fromkeys(fields, value)})

    ALL[name][1](world)

    assert _misplaced(world.state()) == []


# -- twice


def _misplaced(state: dict[str, Value]) -> list[str]:
    """IDs that break the invariant: committed = queued + handed over + delayed + processing, none of them twice."""
    places: Counter[str] = Counter()
    for name, value in state.items():
        if name in ("queued", "delayed", "processing") or name.startswith("claim:"):
            places.update(list(value))
    committed = set(state.get("committed", ()))
    failed = set(state.get("failed", ()))
    owned = set(state.get("owner", ())) - set(state.get("processing", ()))
    twice = {id for id, n in places.items() if n > 1}
    return sorted((places.keys() ^ committed) | (committed & failed) | twice | owned)


@pytest.mark.parametrize("name", WRITES)
def test_f4_a_script_applied_twice_loses_nothing_and_holds_nothing_twice(world: World, name: str) -> None:
    world.seed(BUSY)
    act = WRITES[name][1]
    act(world)
    once = world.state()

    act(world)

    twice = world.state()
    assert _misplaced(once) == []
    assert _misplaced(twice) == []
    everything = {"new", "q1", "q2", "c1", "c2", "c3", "d1", "d2", "n1", "f1", *HOLDERS}
    kept = [{id for id in everything if _knows(state, id)} for state in (once, twice)]
    assert kept[0] == kept[1]


def _knows(state: dict[str, Value], id: str) -> bool:
    return id in state.get("committed", ()) or id in state.get("failed", ())


@pytest.mark.parametrize("name", [name for name in WRITES if name != "exchange"])
def test_f4_a_script_applied_twice_changes_nothing_the_second_time_but_its_own_refusals(
    world: World, name: str
) -> None:
    world.seed(BUSY)
    act = WRITES[name][1]
    act(world)
    once = world.state()

    act(world)

    twice = world.state()
    if name.startswith("publish"):
        once.pop("requests"), twice.pop("requests")  # a publish that arrives twice counts twice
    for state in (once, twice):
        for key in ("durations:minutes", "durations:hours"):  # percentiles may count a heartbeat twice
            state.pop(key, None)
    counted = [_without_refusals(state.pop("totals", {})) for state in (once, twice)]
    assert twice == once
    assert counted[0] == counted[1]


def _without_refusals(totals: Value) -> dict[str, str]:
    assert isinstance(totals, dict)
    return {word: n for word, n in totals.items() if word not in ("refused", "stale")}


def test_f4_an_exchange_applied_twice_lists_all_its_claims_under_different_numbers(world: World) -> None:
    world.seed({"workers": {W: NOW + LEASE}, "queued": ["a", "b", "c"], "committed": {"a", "b", "c"}})
    world.exchange(want=1, number=7)

    world.exchange(want=1, number=7)

    held = world.drive(held_claims(world.keys, [W]))[W]
    assert len({number for _, number in held}) == len(held)


def test_s14_a_whole_look_around_writes_nothing(world: World) -> None:
    world.seed(BUSY)
    before = dump(world.client)

    for _, act in READS.values():
        act(world)
    world.queue.snapshot()

    assert dump(world.client) == before
