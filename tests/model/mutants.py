"""Planted bugs, one for each promise that a small mistake could break; the models or the simulation must find each.

A mutant is a patch of a private copy of convoy_core. `python -m tests.model.hunt` looks for it there.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Finder: TypeAlias = Literal[
    "Strict", "Mixed", "simulation", "late", "rollbacks", "limits", "cancels", "resized", "quiet"
]
LIMITS: dict[Finder, int] = {
    "Strict": 6000,
    "Mixed": 6000,
    "simulation": 500,
    "late": 200,
    "rollbacks": 200,
    "limits": 200,
    "cancels": 200,
    "resized": 200,
    "quiet": 200,
}
"""Steps of a machine, or seeds, within which a mutant must be found."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Exact text of one file of convoy_core, and what stands there in the mutant."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted bug."""

    name: str
    finder: Finder
    patches: tuple[Patch, ...]
    sign: str = ""
    """What the finder must say, among other things."""
    first_seed: int = 1
    """Where the hunt begins: a rare bug would take long with most."""
    topic: str = ""
    """Rules of the strict machine that the hunt needs, of those that it can do without."""

    def plant(self, package: Path, copy: Path) -> None:
        """Make the mutant's own convoy_core in `copy`. Fails when a text to be replaced is not there exactly once."""
        # With what is compiled already, which counts for files of the same age; what is just being written vanishes.
        shutil.copytree(package, copy, ignore=shutil.ignore_patterns("*.pyc.*"))
        for patch in self.patches:
            file = copy / patch.file
            text = file.read_text("utf-8")
            assert text.count(patch.old) == 1, f"{patch.file} has changed; adapt the mutant {self.name!r}"
            file.write_text(text.replace(patch.old, patch.new), "utf-8")


def _mutant(
    name: str, finder: Finder, *patches: tuple[str, str, str], sign: str = "", first_seed: int = 1, topic: str = ""
) -> Mutant:
    return Mutant(name, finder, tuple(Patch(*patch) for patch in patches), sign, first_seed, topic)


MUTANTS = (
    _mutant(
        "F1: BLPOP instead of BLMOVE",
        "simulation",
        (
            "worker/waiting.py",
            '("BLMOVE", self._queued, keys.claim_list(worker), "LEFT", "RIGHT", BLOCK_S)',
            '("BLPOP", self._queued, BLOCK_S)',
        ),
        sign="nowhere",
    ),
    _mutant(
        "F2: the claim list is ignored by claim",
        "Strict",
        ("moves/lua/claim.lua", "payloads, is_named, is_cut = handed,", "payloads, is_named, is_cut = {},"),
    ),
    _mutant(
        "F2: the claim list of a dead worker is left where it is",
        "Strict",
        ("moves/lua/recover.lua", "return_claim_list(own, 0)\nlocal answer", "local answer"),
    ),
    _mutant(
        "F2: who unregisters is let go, even if the store may still hand it something",
        "Strict",
        ("moves/lua/unregister.lua", "if is_in_doubt then", "if false then"),
    ),
    _mutant(
        "F3: nobody takes up what the store has handed out in a lost reply",
        "simulation",
        (
            "worker/loop.py",
            "in self._claims.reconcile({number: raw for raw, number in held[self.worker]}):",
            "in self._claims.reconcile({number: raw for raw, number in held[self.worker]}) and ():",
        ),
        sign="owner",
        first_seed=21,
    ),
    _mutant(
        "F3: a claim that arrives late is not fenced off",
        "Strict",
        ("moves/lua/fence.lua", "< number - 1 then", "< 0 then"),
    ),
    _mutant(
        "F4: a request that arrives twice is answered twice",
        "Strict",
        ("moves/lua/claim.lua", "number <= (tonumber(highest) or 0)", "false"),
    ),
    _mutant(
        "F7: IDs that a claim has taken and that are too long for it are lost",
        "Strict",
        ("moves/lua/claim.lua", "for j = #some, i, -1 do call('LPUSH', queued, some[j]) end", ""),
    ),
    _mutant(
        "F7: IDs that a claim has taken go back in the wrong order",
        "Strict",
        ("moves/lua/claim.lua", "for j = #some, i, -1 do", "for j = i, #some do"),
        first_seed=5,
    ),
    _mutant(
        "F7: IDs whose payloads are too large for a claim are lost",
        "Strict",
        (
            "moves/lua/carried.lua",
            "        call('LPUSH', queued, back)\n",
            "",
        ),
        first_seed=3,
    ),
    _mutant(
        "F7: a claim that was ended by its bytes is taken for the end of the queue",
        "Strict",
        ("moves/lua/claim.lua", "if is_cut and word == 'open' then word = 'more' end", ""),
    ),
    _mutant(
        "F8: a copy of a running ID is handed out",
        "Mixed",
        ("moves/lua/claim.lua", "if running[i] or tokens[i] or seen[id] then", "if seen[id] then"),
    ),
    _mutant(
        "F9: a claim leaves an ID uncommitted",
        "Mixed",
        ("moves/lua/claim.lua", "call('SADD', committed, unpack(ids))", "0"),
    ),
    _mutant(
        "F9: the long member of a claim stays in processing",
        "Strict",
        ("moves/lua/claim.lua", "call('ZREM', processing, long)", "call('ZSCORE', processing, long)"),
    ),
    _mutant(
        "F9: the long member of a claim stays committed",
        "Strict",
        ("moves/lua/claim.lua", "call('SREM', committed, long)", "call('SCARD', committed)"),
    ),
    _mutant(
        "F11: recover in two steps",
        "simulation",
        ("moves/lua/recover.lua", "enqueue(back, true)", "call('HLEN', owner)"),
        (
            "moves/recovering.py",
            "        if word ==",
            '        if ids: yield command("LPUSH", keys.named("queued"), *ids[::2], read=int)\n        if word ==',
        ),
        sign="nowhere",
        first_seed=692,
    ),
    _mutant(
        "F12: recover without looking at the lease",
        "Strict",
        (
            "moves/lua/recover.lua",
            "if lease and tonumber(lease) > now or latest and now > latest then return { 'alive' } end",
            "",
        ),
    ),
    _mutant(
        "F19: pools are judged by a clock that has just been set",
        "simulation",
        ("worker/maintenance.py", "if not self._is_clock_known(now):", "if not self._is_clock_known(now) and False:"),
        sign="alive",
        first_seed=13,
    ),
    _mutant(
        "F21: whoever answers is taken for the owner",
        "Strict",
        ("moves/lua/ownership.lua", "if entry and sub(entry, 1, #token) == token then", "if entry then"),
        first_seed=2,
    ),
    _mutant(
        "F22: claim numbers are used again after a lost reply",
        "simulation",
        (
            "worker/claim_sequence.py",
            "first, self._number = self._number, self._number + n",
            "first = self._number",
        ),
        (
            "worker/loop.py",
            "self.error, self._tries = None, 0",
            "self.error, self._tries, self._sequence._number = None, 0, self._sequence._number + want",
        ),
        ("moves/lua/claim.lua", "number <= (tonumber(highest) or 0)", "false"),
        sign="concurrent-holders",
    ),
    _mutant(
        "F25: a wish for a rerun is dropped",
        "Strict",
        ("moves/lua/publish_known.lua", "put('SADD', rerun, id)", "call('SCARD', rerun)"),
    ),
    _mutant(
        "F25: a wish for a rerun is granted twice",
        "Strict",
        ("moves/lua/enqueue.lua", "call('SREM', rerun, unpack(ids))", "call('SCARD', rerun)"),
    ),
    _mutant(
        "F26: a failure leaves the ID committed",
        "Strict",
        ("moves/lua/fail_for_good.lua", "  call('SREM', committed, unpack(ids))\n", ""),
    ),
    _mutant(
        "F26: a failure is not in the error log",
        "Strict",
        ("moves/lua/fail.lua", "  log_errors(messages)\n", ""),
    ),
    _mutant(
        "F26: what failed and is claimed again in the same round stays among the failed",
        "Mixed",
        ("moves/lua/claim.lua", "if not any_rare and not ended_otherwise then", "if not any_rare then"),
    ),
    _mutant(
        "F28: crashes are counted and never too many",
        "Strict",
        ("moves/lua/crash.lua", "if n < limit then", "if n > 0 then"),
        first_seed=3,
    ),
    _mutant(
        "F28: a suspect is claimed beside others",
        "Strict",
        ("moves/lua/set_apart.lua", "if #apart > 0 and suspects.may and", "if #apart > 0 and"),
        topic="suspects",
    ),
    _mutant(
        "F69: a suspect that was set apart is in no list",
        "Strict",
        ("moves/lua/set_apart.lua", "put('ZADD', delayed, now + suspects.wait, id)", ""),
        topic="suspects",
    ),
    _mutant(
        "F69: a suspect that is asked for by name is claimed beside others",
        "Strict",
        ("moves/lua/set_apart.lua", "if id == '' or not suspects.may or not", "if id == '' or not"),
        topic="suspects",
        first_seed=2,
    ),
    _mutant(
        "F29: a release is charged as a crash",
        "Strict",
        (
            "moves/lua/release.lua",
            "  leave_processing(ids)\n",
            "  leave_processing(ids)\n  for _, id in ipairs(ids) do add(crashes, id, 1) end\n",
        ),
        first_seed=4,
    ),
    _mutant(
        "F29: signing off leaves the claim list behind",
        "Strict",
        ("moves/lua/unregister.lua", "return_claim_list(own, 0)\n", ""),
    ),
    _mutant(
        "F30: a stale token spoils its neighbours",
        "Strict",
        (
            "moves/lua/ownership.lua",
            "if entry and sub",
            "if #stale == 0 and entry and sub",
        ),
        first_seed=3,
    ),
    _mutant(
        "F39: results are forgotten when the store is away",
        "simulation",
        ("worker/loop.py", "            self._claims.put_back(taken)\n", ""),
        sign="does not stop",
        first_seed=2,
    ),
    _mutant(
        "F47: publish in two steps",
        "simulation",
        ("moves/lua/publish.lua", "    enqueue(fresh, front == '1')\n", "    call('SADD', committed, unpack(fresh))\n"),
        (
            "moves/publishing.py",
            "def _chunk(raw",
            """def _second_step(keys: Keys, raw: list[bytes]) -> Call[Any]:
    from convoy_core.moves.call import command
    return command("RPUSH", keys.named("queued"), *raw, read=lambda reply: Chunk([], []))


def _chunk(raw""",
        ),
        (
            "moves/publishing.py",
            "                replicas=replicas,\n            )\n",
            (
                "                replicas=replicas,\n            )\n"
                "            if not options.delay_s: yield _second_step(keys, raw)\n"
            ),
        ),
        sign="nowhere",
        first_seed=32,
    ),
    _mutant(
        "F50: a heartbeat puts nothing back",
        "Mixed",
        ("moves/lua/renew.lua", "  call('SADD', committed, unpack(ids))\n", ""),
        first_seed=3,
    ),
    _mutant(
        "F50: a publish does not look at the owner",
        "Mixed",
        ("moves/lua/publish.lua", "if known[i] == 1 or tokens[i] then", "if known[i] == 1 then"),
        first_seed=2,
    ),
    _mutant(
        "F53: the sweep forgets what still runs",
        "Mixed",
        ("moves/lua/tidy.lua", "and not tokens[i] and not seen[id]", "and not seen[id]"),
        first_seed=3,
    ),
    _mutant(
        "F63: who unregisters is let go although the store holds something in its name",
        "Strict",
        ("moves/working.py", "    if held[worker]:\n        return False\n", ""),
        first_seed=5,
    ),
    _mutant(
        "F63: a store that has come back older lets a worker go",
        "Strict",
        ("moves/lua/unregister.lua", "whole(call('HGET', record, 'number')) < number", "false"),
    ),
    _mutant(
        "F63: nobody compares when a new connection is met",
        "rollbacks",
        ("worker/loop.py", "if self._identity.has_changed() and not self._state.compares:", "if False:"),
        sign="stuck",
        first_seed=65,
    ),
    _mutant(
        "F63: after a new connection others are judged at once, by the leases of an older file",
        "rollbacks",
        ("worker/states.py", "open_ | {state.UNSURE}, state.UNSURE, act.POSTPONE_JUDGEMENT)", "open_, state.UNSURE)"),
        sign="whose lease was alive",
        first_seed=9,
    ),
    _mutant(
        "F63: who holds something without being registered is not named",
        "Strict",
        ("moves/lua/reads/unregistered_holders.lua", "if not lease then", "if lease then"),
    ),
    _mutant(
        "F64: what was handed to a pool without a free slot stays in its claim list",
        "resized",
        (
            "worker/loop.py",
            "        self._is_handed = True\n        self._handle(PoolEvent.LOOK_AGAIN)",
            "        self._handle(PoolEvent.LOOK_AGAIN)",
        ),
        sign="what was handed to it",
        first_seed=41,
    ),
    _mutant(
        "F63: what there is no slot for is kept until there is one",
        "rollbacks",
        (
            "worker/claims.py",
            "            self.decline(ready[fitting:])\n            self._wake()\n",
            "            self._ready = ready[fitting:]\n",
        ),
        sign="has no slot for it",
        first_seed=12,
    ),
    _mutant(
        "F64: what a late wait has brought stays with a worker that is gone",
        "Strict",
        (
            "moves/lua/claim.lua",
            "if word ~= 'open' and word ~= 'lapsed' and word ~= 'repeated' then",
            "if word ~= 'open' and word ~= 'lapsed' and word ~= 'repeated' and word ~= 'gone' then",
        ),
    ),
    _mutant(
        "what was handed to a quiet worker stays with it",
        "Strict",
        (
            "moves/lua/claim.lua",
            "if word ~= 'open' and word ~= 'lapsed' and word ~= 'repeated' then",
            "if word == 'gone' or word == 'paused' then",
        ),
        topic="bars",
        first_seed=2,
    ),
    _mutant(
        "a worker that comes back is quiet since its last life",
        "Strict",
        ("moves/lua/drop_worker.lua", "  if exists(barred) then call('HDEL', barred, 'worker:' .. id) end\n", ""),
        topic="bars",
        first_seed=2,
    ),
    _mutant(
        "F64: nobody looks at the claim lists of workers that were unregistered",
        "late",
        ("worker/maintenance.py", "                    await self.recover_unregistered()\n", ""),
        ("worker/waiting.py", "self._sends_along = not store.is_cluster", "self._sends_along = False"),
        sign="stuck",
    ),
    _mutant(
        "a recorder does not see a run that is retried",
        "Strict",
        ("moves/lua/fail.lua", "    record('fail', 'delayed', later, me)\n", ""),
        first_seed=2,
    ),
    _mutant(
        "a recorder does not see a rerun",
        "Strict",
        ("moves/lua/rerun.lua", "record('rerun', 'queued', again)", ""),
        first_seed=2,
    ),
    _mutant(
        "a recorder changes what it records",
        "Strict",
        ("moves/lua/record.lua", "local stream, counter,", "table.remove(ids) local stream, counter,"),
    ),
    _mutant(
        "what is queued is not committed",
        "Strict",
        ("moves/lua/enqueue.lua", "  call('SADD', committed, unpack(ids))\n", ""),
    ),
    _mutant(
        "what is promoted stays delayed",
        "Strict",
        ("moves/lua/enqueue.lua", "call('ZREM', delayed, unpack(ids))", "call('ZCARD', delayed)"),
        first_seed=2,
    ),
    _mutant(
        "a promotion forgets what was due and did not fit",
        "Mixed",
        (
            "moves/lua/promote.lua",
            "local following = call('ZRANGE',",
            "call('ZREMRANGEBYSCORE', delayed, '-inf', now)\nlocal following = call('ZRANGE',",
        ),
        first_seed=5,
    ),
    _mutant(
        "the jam guard frees a run that has begun since it looked",
        "Strict",
        (
            "moves/lua/jam_guard.lua",
            "start_of_run(id, entry) ~= tonumber(entries[i + 1])",
            "not start_of_run(id, entry)",
        ),
        first_seed=3,
    ),
    _mutant(
        "F50: the true start of a run is forgotten at its first heartbeat",
        "Strict",
        ("moves/lua/renew.lua", "if #starts > 0 then call('ZADD', started, unpack(starts)) end", ""),
    ),
    _mutant(
        "a run that has ended stays in the index of starts",
        "Strict",
        ("moves/lua/ownership.lua", "if present[started] then call('ZREM', started, unpack(ids)) end", ""),
    ),
    _mutant(
        "discarding a copy forgets the run",
        "Mixed",
        ("moves/lua/forget_discarded.lua", "if not is_elsewhere then", "if true then"),
        first_seed=2,
    ),
    _mutant(
        "a finished ID is remembered",
        "Strict",
        ("moves/lua/complete.lua", "  call('HDEL', published, unpack(over))\n", ""),
    ),
    _mutant(
        "what an act left alone is in the audit",
        "Strict",
        ("moves/lua/audit.lua", "if not UNCHANGED[word] then", "if true then"),
    ),
    _mutant(
        "the audit forgets the chunks before",
        "Strict",
        ("moves/lua/audit.lua", "do tally(word, tonumber(n)) end", "do end"),
    ),
    _mutant(
        "what is requeued to the head goes to the end",
        "Strict",
        ("moves/lua/requeue.lua", "enqueue(moved, front)", "enqueue(moved)"),
        first_seed=2,
    ),
    _mutant(
        "what is requeued to the head forgets how often it has failed",
        "Strict",
        (
            "moves/lua/requeue.lua",
            "add(failures, id, whole(scores[i]))",
            "if not front then add(failures, id, whole(scores[i])) end",
        ),
    ),
    _mutant(
        "F47: a missing ID is reported as repaired and stays missing",
        "Mixed",
        ("moves/lua/repair.lua", "function repairs.m(id)\n  enqueue({ id })\n", "function repairs.m(id)\n"),
    ),
    _mutant(
        "F8: a check sees no copy beside a run",
        "Mixed",
        ("moves/lua/fault.lua", "(due or is_running(id)) and 1 or 2", "2"),
    ),
    _mutant(
        "F9: a check misses what waits and is not committed",
        "Mixed",
        ("moves/lua/reads/check_list.lua", "known[i] == 0 and 'u' or '.'", "'.'"),
    ),
    _mutant(
        "F47: a check takes what was handed over for missing",
        "Strict",
        ("moves/first_look.py", "if hash(raw) not in numbers and raw not in handed", "if hash(raw) not in numbers"),
        ("moves/lua/fault.lua", "return is_nowhere and count_handed(id) == 0", "return is_nowhere"),
    ),
    _mutant(
        "F47: a check takes what is delayed for missing",
        "Strict",
        ("moves/lua/reads/check_key.lua", "if not (dues[i] or running[i]", "if not (running[i]"),
        ("moves/lua/fault.lua", "is_nowhere = is_committed and not due and", "is_nowhere = is_committed and"),
    ),
    _mutant(
        "a check misses the data of what has ended",
        "Mixed",
        ("moves/lua/reads/check_key.lua", "if not is_kept then suspect('x', id) end", ""),
        first_seed=9,
    ),
    _mutant(
        "a cancelled ID that waited stays committed",
        "Strict",
        ("moves/lua/cancel.lua", "forget(over)\n", ""),
        topic="cancels",
        first_seed=2,
    ),
    _mutant(
        "a cancel does not look at what was handed to a worker",
        "Strict",
        ("moves/lua/cancel.lua", "do handed[id] = list end", "do handed[id] = nil end"),
        topic="cancels",
    ),
    _mutant(
        "F21: a mark says nothing of the run that it is for",
        "Strict",
        ("moves/lua/cancel.lua", "id, token_of(entries[i])", "id, worker_of(entries[i])"),
        topic="cancels",
    ),
    _mutant(
        "a run that was asked to end and has failed is tried again",
        "cancels",
        ("moves/lua/exchange.lua", "if told and #ours > 0 then", "if false then"),
        sign="was cancelled and not published again",
    ),
    _mutant(
        "what a dead worker was asked to end is queued",
        "cancels",
        ("moves/lua/recover.lua", "if is_marked(id, entry) then", "if false then"),
        sign="was cancelled and not published again",
    ),
    _mutant(
        "a jam guard queues what was asked to end",
        "Strict",
        ("moves/lua/jam_guard.lua", "if is_marked(id, entry) then", "if false then"),
        topic="cancels",
        first_seed=5,
    ),
    _mutant(
        "F25: a cancelled run forgets that a rerun was asked for",
        "Strict",
        ("moves/lua/abort.lua", "local over, again = queue_reruns(ids)", "local over, again = ids, 0"),
        topic="cancels",
        first_seed=2,
    ),
    _mutant(
        "a mark outlives its run",
        "Strict",
        ("moves/lua/ownership.lua", "if present[cancelling] then", "if false then"),
        topic="cancels",
    ),
    _mutant(
        "a heartbeat does not tell which runs have been asked to end",
        "Strict",
        ("moves/lua/renew.lua", "if marks[i] == token then", "if false then"),
        topic="cancels",
        first_seed=5,
    ),
    _mutant(
        "F8: a repair leaves a delayed copy where it is",
        "Mixed",
        ("moves/lua/repair.lua", "call('ZREM', delayed, id)\n  else", "\n  else"),
        first_seed=2,
    ),
    _mutant(
        "an absorbed publish is not counted while the ID runs",
        "Strict",
        ("moves/lua/absorb.lua", "if word ~= accepted then", "if word ~= accepted and word ~= 'processing' then"),
    ),
    _mutant(
        "of the publishes of one ID in one exchange only the first is counted",
        "Strict",
        ("moves/lua/absorb.lua", "times[id] = before + 1", "times[id] = before"),
    ),
    _mutant(
        "a publish of several IDs does not ask whether they run",
        "Strict",
        ("moves/lua/publish.lua", "#ids == 1 or call('EXISTS', owner, processing) > 0", "#ids == 1"),
    ),
    _mutant(
        "a rerun stands for the requests of the run before it",
        "Strict",
        ("moves/lua/rerun.lua", "      -- here: rerun_requests\n", ""),
        first_seed=2,
    ),
    _mutant(
        "what was asked for before a run began counts for the run after it",
        "Strict",
        ("moves/lua/absorb_reruns.lua", "  if marked[id] then n, again = n + again, 0 end\n", ""),
        first_seed=2,
    ),
    _mutant(
        "a finished ID leaves the requests that it has absorbed",
        "Strict",
        ("moves/lua/forget.lua", "cancelling, requests, traces })", "cancelling, traces })"),
    ),
    _mutant(
        "a finished ID leaves the contexts of its publishes",
        "Strict",
        ("moves/lua/forget.lua", "requests, traces }) do", "requests }) do"),
        topic="traces",
    ),
    _mutant(
        "a rerun is linked to the publishes of the run before it",
        "Strict",
        ("moves/lua/rerun.lua", "      -- here: rerun_traces\n", ""),
        topic="traces",
    ),
    _mutant(
        "what asks for a rerun is linked to the run that goes on",
        "Strict",
        ("moves/lua/keep_traces.lua", "if words[i] ~= 'will_rerun' then", "if true then"),
        topic="traces",
    ),
    _mutant(
        "an ID that fails for good loses the contexts of its publishes",
        "Strict",
        (
            "moves/lua/fail_for_good.lua",
            "failures, crashes, requests }) do drop_all",
            "failures, crashes, requests, traces }) do drop_all",
        ),
        ("moves/lua/fail_for_good.lua", "crashes failure requests\n", "crashes failure requests traces\n"),
        topic="traces",
    ),
    _mutant(
        "the newest payload is given to what runs",
        "Strict",
        ("moves/lua/publish_changes.lua", "if word ~= 'processing' then renewed", "if true then renewed"),
        first_seed=3,
    ),
    _mutant(
        "the newest payload is not taken where there is none",
        "Strict",
        ("moves/lua/publish_changes.lua", "if content == '' then drop_all(payload, renewed) elseif", "if"),
    ),
    _mutant(
        "a delayed ID that may only be due later is due earlier",
        "Strict",
        ("moves/lua/publish_changes.lua", "before and due > before", "before"),
        topic="policies",
        first_seed=3,
    ),
    _mutant(
        "a restore takes the place of what has failed here",
        "Strict",
        ("moves/lua/restore.lua", "or dues[i] or bad[i] or seen[id]", "or dues[i] or seen[id]"),
        topic="dumps",
    ),
    _mutant(
        "a restored ID has all its retries again",
        "Strict",
        ("moves/lua/restore.lua", "if tried ~= '0' then note(attempts, id, tried) end", ""),
        topic="dumps",
    ),
    _mutant(
        "F9: a restored ID that is delayed is not committed",
        "Strict",
        ("moves/lua/restore.lua", "  call('SADD', committed, unpack(later))\n", ""),
        topic="dumps",
        first_seed=2,
    ),
    _mutant(
        "a dump ends where records had no room for others beside them",
        "Strict",
        (
            "moves/lua/reads/dump.lua",
            "ids = every(2, window)\n    is_over = #leave_out(ids) == 0 and is_over",
            "ids = every(2, window)\n    leave_out(ids)",
        ),
        topic="dumps",
        first_seed=6,
    ),
    _mutant(
        "limits: a claim counts no runs but those that it begins",
        "limits",
        ("moves/lua/limited.lua", "set.concurrency - call('HLEN', owner)", "set.concurrency"),
        sign="runs beside",
    ),
    _mutant(
        "limits: what is handed over begins whatever the limit",
        "limits",
        ("moves/lua/claim.lua", "  if #ids > want then\n", "  if #ids > math.max(want, 1) then\n"),
        sign="runs beside",
    ),
    _mutant(
        "limits: a pool that is not woken does not ask again",
        "limits",
        ("worker/states.py", "open_, state.LIMITED, act.LOOK_LATER)", "open_, state.LIMITED)"),
        sign="is still there",
    ),
    _mutant(
        "limits: what has begun does not come out of the bucket",
        "Strict",
        ("moves/lua/limited.lua", "bucket.used + begun * bucket.period", "bucket.used"),
        topic="limits",
    ),
    _mutant(
        "limits: who has waited long is passed over",
        "Strict",
        ("moves/lua/limited.lua", "now - TURN_MS) do", "now - 1e12) do"),
        topic="limits",
    ),
    _mutant(
        "limits: nobody is woken when another stops",
        "Strict",
        ("moves/lua/limited.lua", "math.min(room - begun - #passed, #line) or 0 do", "0 or 0 do"),
        topic="limits",
    ),
    _mutant(
        "limits: a change of the rate fills the bucket",
        "Strict",
        ("moves/lua/change_limits.lua", "if begun > 0 and given.rate > 0 then", "if false then"),
        topic="limits",
        first_seed=4,
    ),
    _mutant(
        "what was requeued and asked for since is taken back",
        "Strict",
        ("moves/lua/withdraw.lua", "not (tried[i] or died[i] or asked[i])", "not (tried[i] or died[i])"),
        topic="undo",
        first_seed=2,
    ),
    _mutant(
        "what is taken back stays committed",
        "Strict",
        ("moves/lua/withdraw.lua", "  call('SREM', committed, unpack(moved))\n", ""),
        first_seed=4,
        topic="undo",
    ),
    _mutant(
        "what was requeued anew since is taken back",
        "Strict",
        ("moves/lua/withdraw.lua", "if since[i] == at and", "if"),
        topic="undo",
    ),
    _mutant(
        "history: each pool keeps rows of its own",
        "Strict",
        ("moves/lua/note_history.lua", "if recent.age < recent.step then\n", "if false then\n"),
        topic="history",
    ),
    _mutant(
        "history: who ends keeps a row of its own",
        "Strict",
        ("moves/lua/note_history.lua", "if recent.newest then replace_newest(recent) end", ""),
        topic="history",
    ),
    _mutant(
        "history: counters are taken for their growth",
        "Strict",
        ("moves/lua/note_history.lua", "before[i] = row[i] - (before[i] or row[i])", "before[i] = row[i]"),
        topic="history",
    ),
)
