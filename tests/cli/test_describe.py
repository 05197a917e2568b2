"""`convoy describe`: who answers for a queue and what to do, shown beside it when it is in trouble."""

from __future__ import annotations

import pytest

from convoy_core import Queue
from tests.cli.conftest import Convoy

RUNBOOK = "https://wiki.example.com/trucks"


def test_it_is_said_shown_and_taken_away(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1")

    before = convoy("describe", "trucks").stdout
    said = convoy("describe", "trucks", "--owner", "team freight", "--runbook", RUNBOOK, "--note", "n").stdout
    less = convoy("describe", "trucks", "--note", "").stdout
    cleared = convoy("describe", "trucks", "--clear").stdout

    assert before == cleared == "trucks: nothing is said about it\n"
    assert said == f"trucks owner: team freight\ntrucks runbook: {RUNBOOK}\ntrucks note: n\n"
    assert less == f"trucks owner: team freight\ntrucks runbook: {RUNBOOK}\n"
    assert [act["verb"] for act in convoy.json("log", "trucks")["acts"]] == ["describe"] * 3


def test_status_has_it_in_every_document_and_beside_a_queue_in_trouble(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1")
    trucks.describe(owner="team freight", runbook=RUNBOOK)

    (row,) = convoy.json("status")["queues"]
    sick = convoy("status", "-o", "table").stdout
    trucks.pause()
    calm = convoy("status", "-o", "table").stdout

    assert (row["owner"], row["runbook"], row["note"]) == ("team freight", RUNBOOK, None)
    assert sick.endswith(f"no worker takes it.\n  owner: team freight\n  runbook: {RUNBOOK}\n")
    assert RUNBOOK not in calm
    assert RUNBOOK in convoy("status", "trucks", "-o", "table").stdout


def test_the_answer_is_a_document_as_well(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1")

    document = convoy.json("describe", "trucks", "--owner", "\x1b[1mme")

    assert document == {
        "schema": "convoy.describe/1", "queue": "trucks", "changed": True,
        "owner": "\x1b[1mme", "runbook": None, "note": None, "lowest_version": None,
    }  # fmt: skip
    assert convoy("describe", "trucks").stdout == "trucks owner: \\x1b[1mme\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--runbook", "wiki"], "runbook is 'wiki'; it must be an address that begins with https:// or http://."),
        (["--owner", "x" * 201], "it must be text of at most 200 characters."),
        (["--clear", "--note", "x"], "--clear takes all of it away; give it alone."),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(convoy: Convoy, trucks: Queue, words: list[str], says: str) -> None:
    trucks.publish("1")

    result = convoy("describe", "trucks", *words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
