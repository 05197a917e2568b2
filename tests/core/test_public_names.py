"""The public names of `convoy_core`: none goes away unannounced, each says what it is, and both faces need no other."""

from __future__ import annotations

import ast
import inspect
import pickle
from pathlib import Path

import pytest

import convoy_core
import convoy_core.json_logs
import convoy_core.kept
import convoy_core.metrics
import convoy_core.system
import convoy_tui

BEFORE = [
    "AsyncFleet",
    "AsyncQueue",
    "Chunk",
    "Command",
    "ConvoyError",
    "Counts",
    "Details",
    "Discard",
    "EmbeddedStoreError",
    "Entry",
    "ErrorPage",
    "IDPage",
    "Failure",
    "Fleet",
    "HandlerNotFound",
    "InvalidID",
    "InvalidInput",
    "InvalidOption",
    "InvalidPayload",
    "InvalidQueueName",
    "InvalidURL",
    "Isolated",
    "Jammed",
    "Job",
    "LoggedError",
    "Outcome",
    "OutcomeUnknown",
    "Page",
    "PoolOptions",
    "PoolState",
    "PoolStatus",
    "Published",
    "Queue",
    "ReadOnly",
    "Retry",
    "Snapshot",
    "State",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreRefused",
    "StoreUnreachable",
    "StoreUnsafe",
    "Tally",
    "Then",
    "WorkerInfo",
    "WorkerPool",
]
"""All that there was before the modules were put into rooms."""


def test_no_public_name_has_gone() -> None:
    assert set(BEFORE) - set(convoy_core.__all__) == set()


def test_each_public_name_is_there_once() -> None:
    names = convoy_core.__all__

    assert sorted(set(names)) == sorted(names)
    assert [name for name in names if not hasattr(convoy_core, name)] == []


def test_each_public_name_is_loaded_from_where_checkers_take_it() -> None:
    source = ast.parse(Path(convoy_core.__file__).read_text())

    checked = {
        (node.module, alias.name)
        for node in ast.walk(source)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("convoy_core.")
        for alias in node.names
        if alias.name != "lazy_names"
    }

    loaded = {(module, name) for module, names in convoy_core._HOMES.items() for name in names}
    assert loaded == checked
    assert {name for _, name in loaded} == set(convoy_core.__all__)


def test_public_names_are_listed_before_they_are_loaded_and_no_other_is_made_up() -> None:
    assert set(convoy_core.__all__) <= set(dir(convoy_core))
    with pytest.raises(AttributeError, match="'convoy_core' has no attribute 'Quue'"):
        getattr(convoy_core, "Quue")  # noqa: B009 - a checker would refuse it
    with pytest.raises(ImportError):
        exec("from convoy_core import Quue")


def test_values_of_public_types_survive_pickling() -> None:
    values = [convoy_core.State.QUEUED, convoy_core.Retry(), convoy_core.PoolOptions(), convoy_core.InvalidID("no")]

    copies = [pickle.loads(pickle.dumps(value)) for value in values]

    assert [(type(copy), str(copy)) for copy in copies] == [(type(value), str(value)) for value in values]


def test_each_public_class_and_function_says_what_it_is() -> None:
    named = {name: getattr(convoy_core, name) for name in convoy_core.__all__}

    silent = [
        name
        for name, each in named.items()
        if (inspect.isclass(each) or inspect.isfunction(each)) and not inspect.getdoc(each)
    ]

    assert silent == []


def test_both_faces_take_from_the_core_what_it_exports_and_nothing_else() -> None:
    exported = {
        "convoy_core": set(convoy_core.__all__),
        "convoy_core.kept": set(convoy_core.kept.__all__),
        "convoy_core.json_logs": set(convoy_core.json_logs.__all__),
        "convoy_core.metrics": set(convoy_core.metrics.__all__),
        "convoy_core.system": set(convoy_core.system.__all__),
    }
    root = Path(convoy_tui.__file__).parent

    taken = {
        (str(path.relative_to(root)), node.module, alias.name)
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("convoy_core")
        for alias in node.names
    }

    assert {each for each in taken if each[2] not in exported.get(each[1] or "", set())} == set()


def test_the_transport_is_not_a_public_attribute() -> None:
    owners = (convoy_core.Queue, convoy_core.AsyncQueue, convoy_core.Fleet, convoy_core.AsyncFleet)

    assert [owner for owner in owners if hasattr(owner, "connection")] == []


def test_no_object_is_made_past_its_constructor() -> None:
    roots = [Path(package.__file__ or "").parent for package in (convoy_core, convoy_tui)]

    past = [
        f"{path.name}:{node.lineno}"
        for root in roots
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "__new__"
    ]

    assert past == []
