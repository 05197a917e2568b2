"""The Lua scripts: read from `lua/` by name, their fragments put in front, hashed.

A file starts with a contract in comments. Of these lines the loader reads five:

    -- keys: queued committed      the keys it touches; each becomes a local of that name, checked for its type
    -- each: queued committed      the same, for a script that goes over many queues: the table `groups`
    -- proven: owner               those of its keys that need no check: the script's first use of each comes before its
                                   first write, or is it, so that one of a wrong type stops it with nothing done
    -- with: totals lease          the fragments whose functions it calls
    -- flags: allow-oom            what the server is to allow or forbid it (Redis 7 and Valkey; see `Script.flagged`)

so that no key is counted by hand and no script carries one it does not need. A line `-- here: tidy` stands for that
fragment and those it needs: what is seldom called costs nothing until then, whereas each function in front of a script
is made anew in each run, with every name that it uses. So a function of a fragment that nothing calls is left out, and
one of `on_demand` stands in front of the part that calls it. `BATCH_BYTES` stands for that option. Sent by content
hash, two releases can run side by side.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pkgutil import get_data
from typing import NamedTuple

from convoy_core import options
from convoy_core.moves.keys import FAILING, RARE, TYPES

_HEADER = re.compile(r"^-- (keys|each|proven|with|flags): (.+)$", re.MULTILINE)

_HERE = re.compile(r"^ *-- here: ([\w ]+)$", re.MULTILINE)

_COMMENT = re.compile(r"--[^\n]*")

_DEFINITION = re.compile(r"^local (?:function )?((?:\w+, )*\w+)", re.MULTILINE)


class Text(NamedTuple):
    """A script's source and its SHA-1, by which EVALSHA names it."""

    source: str
    sha: str


_MEMORY_PROBE = """\
local probe = redis.pcall('SETRANGE', KEYS[1], 0, '')
if type(probe) == 'table' and probe.err and string.find(probe.err, 'OOM', 1, true) then return probe end
"""
"""Changes nothing, whatever the key holds, and is refused when memory is full: before anything else is written."""


class Script(NamedTuple):
    """One script, ready to be sent."""

    name: str
    portable: Text
    """For any server, and for dry runs: no flags. A write asks first whether there is memory, so that it fails whole.
    """
    flagged: Text
    """For servers that know flags: without room, as a replica or when it cannot save, the server refuses it before it
    begins, unless it is one that makes room (allow-oom)."""
    keys: tuple[str, ...]
    """Names of the keys to pass, in order; for a script over many queues, once per queue."""
    is_read: bool


@cache
def load(name: str) -> Script:
    """The script of that name: a file of `lua/`, or of `lua/reads/` for those that never write."""
    source, is_read = _text(name)
    whole = _joined([name], ())
    keys = tuple(dict.fromkeys(_header(whole, "keys")))
    each = tuple(_header(source, "each"))
    named = _name_groups(each) if each else _name_keys(keys, _header(source, "proven"))
    body = "\n".join((_text("prelude")[0], named, whole))
    flags = ["no-writes"] if is_read else _header(source, "flags")
    portable = _hashed(body if is_read else _MEMORY_PROBE + body)
    return Script(name, portable, _hashed(f"#!lua flags={','.join(flags)}\n{body}"), each or keys, is_read)


def _hashed(source: str) -> Text:
    return Text(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


def _text(name: str) -> tuple[str, bool]:
    try:
        text, is_read = _file(f"lua/{name}.lua"), False
    except FileNotFoundError:
        text, is_read = _file(f"lua/reads/{name}.lua"), True
    return text.replace("BATCH_BYTES", str(options.BATCH_BYTES)), is_read


def _file(path: str) -> str:
    found = get_data("convoy_core.moves", path)
    assert found is not None  # noqa: S101 - every loader that can load this module can read its data
    return found.decode()


def _header(text: str, word: str) -> list[str]:
    return [item for key, line in _HEADER.findall(text) if key == word for item in line.split()]


def _joined(names: Iterable[str], known: tuple[str, ...]) -> str:
    """The files of these names, after what they need of others and what is not `known` already."""
    needed: list[str] = ["on_demand"]

    def add(name: str) -> None:
        for other in _header(_text(name)[0], "with"):
            add(other)
            if other not in needed:
                needed.append(other)

    for name in names:
        add(name)
    text = "\n".join(_text(name)[0] for name in names)
    known = (*known, *_defined(text))
    for paragraph in reversed([part for name in needed if name not in names for part in _paragraphs(name)]):
        if _is_needed(_defined(paragraph), text, known):
            text = f"{paragraph.strip()}\n\n{text}"
    inside = (*known, *_defined(text))
    return _HERE.sub(lambda here: _joined(here[1].split(), inside), text)


def _paragraphs(name: str) -> list[str]:
    text = _text(name)[0]
    body = re.sub(r"\A(?:--.*\n)+", "", text)
    return [text.removesuffix(body), *body.split("\n\n")]


def _defined(lua: str) -> list[str]:
    return [name for names in _DEFINITION.findall(lua) for name in names.split(", ")]


def _is_needed(names: list[str], by: str, known: tuple[str, ...]) -> bool:
    """Whether a paragraph that defines these is; one that defines nothing says which keys are."""
    code = _COMMENT.sub("", by)
    return not names or any(name not in known and re.search(rf"\b{name}\b", code) for name in names)


def _name_keys(keys: tuple[str, ...], proven: list[str]) -> str:
    if not keys:
        return ""
    lines = [f"local {', '.join(keys)} = unpack(KEYS)", "local found"]
    lines += [_check(key, TYPES[key]) for key in keys if TYPES[key] and key not in {*RARE, *proven}]
    if rare := [key for key in TYPES if key in RARE and key in keys]:
        lines.append(_check_rare([key for key in rare if key in FAILING], [key for key in rare if key not in FAILING]))
    return "\n".join(lines) + "\n"


_FOUND = " left = left - 1"


def _check_rare(failing: list[str], others: list[str]) -> str:
    """These are absent most of the time: one question about all is enough, and one more where some are there.

    No type is asked for once all that are there have been found: the rarest come last.
    """
    ask = "call('EXISTS', {})".format
    checks = [
        "".join(f"if left > 0 then\n{_check(key, TYPES[key], _FOUND)}\nend\n" for key in group)
        for group in (failing, others)
    ]
    counted = f"local any_rare = {ask(', '.join(failing + others))}\nif any_rare > 0 then\nlocal left = any_rare\n"
    if failing and others:
        checks = [
            f"local others = {ask(', '.join(others))}\nleft = left - others\n",
            checks[0],
            "left = others\n",
            checks[1],
        ]
    return f"{counted}{''.join(checks)}end\nany_rare = any_rare > 0"


def _check(key: str, kind: str, counted: str = "") -> str:
    """Written out for each key, since a loop over a table of them costs the store as much again."""
    return (
        f"found = call('TYPE', {key}).ok\n"
        f"if found == '{kind}' then present[{key}] = true{counted}\n"
        f"elseif found ~= 'none' then\n"
        f"return redis.error_reply('CONVOY-DAMAGED The key ' .. {key} .. ' holds a ' .. found"
        f" .. ', where Convoy keeps a {kind}.')\nend"
    )


def _name_groups(keys: tuple[str, ...]) -> str:
    fields = ", ".join(f"{key} = KEYS[i + {offset}]" for offset, key in enumerate(keys))
    checked = ", ".join(f"q.{key}, '{TYPES[key]}'" for key in keys)
    return (
        f"local groups = {{}}\nfor i = 1, #KEYS, {len(keys)} do groups[#groups + 1] = {{ {fields} }} end\n"
        f"local function kinds_of(q) return {{{checked}}} end\n"
    )
