"""Checks the documents that commands print against their schemas in `docs/schemas`."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


HAS_VALIDATOR = importlib.util.find_spec("jsonschema") is not None
"""It comes with the extra `dev`."""


def file_of(name: str) -> str:
    """The file of the schema of that name: `convoy.status/1` is in `status-1.json`."""
    return f"{name.removeprefix('convoy.').replace('/', '-')}.json"


def documents(text: str) -> Iterator[Mapping[str, Any]]:
    """The JSON documents of an answer, which is one, or has one per line; nothing of any other answer."""
    if not text.startswith("{"):
        return
    try:
        yield json.loads(text)
    except ValueError:
        for line in text.splitlines():
            if line.startswith('{"schema"'):
                yield json.loads(line)


def faults(document: Mapping[str, Any], *, strict: bool = False) -> list[str]:
    """What its schema says against a document. `strict` also tells the members that the schema does not know."""
    name = document.get("schema")
    if not isinstance(name, str) or not (SCHEMAS / file_of(name)).exists():
        return [f"{name} has no schema: it needs docs/schemas/{file_of(str(name))}"]
    found = _validator(name, strict=strict).iter_errors(document)
    return [f"{name}: {error.json_path}: {error.message[:300]}" for error in map(_deepest, found)]


def assert_valid(text: str) -> None:
    """Fail where a document of this answer, of many the first, is not as its schema says."""
    if HAS_VALIDATOR:
        assert [fault for document in islice(documents(text), 5) for fault in faults(document)] == []


@cache
def schema_of(file: str) -> Any:
    """What is in that file."""
    return json.loads((SCHEMAS / file).read_text("utf-8"))


@cache
def _validator(name: str, *, strict: bool) -> Any:
    schema = schema_of(file_of(name))
    validator = importlib.import_module("jsonschema").Draft202012Validator
    return validator(_closed(schema) if strict else schema)


def _closed(schema: Any) -> Any:
    """The same schema, with each object closed against members that it does not name."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if schema.get("properties") and "object" in schema.get("type", ()):
        closed.setdefault("additionalProperties", False)
    return closed


def _deepest(error: Any) -> Any:
    """Of the ways in which a document is none of several kinds, the one that came closest."""
    while error.context:
        error = max(error.context, key=lambda each: (len(each.absolute_path), each.validator != "const"))
    return error
