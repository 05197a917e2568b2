"""Shell completion: names of queues and profiles, and words that bash has split. After any error there is none."""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping
from typing import Final

import typer

from convoy_core import ConvoyError

MODE: Final = "_CONVOY_COMPLETE"
"""The variable by which a shell asks for completions."""
_HEAD: Final = "_CONVOY_COMPLETE_HEAD"
"""What stands before the last colon of the word, which bash keeps as it is."""

_PLAIN: Final = re.compile(r"[\w.:@%+/{}][\w.:@%+/{}-]*", re.ASCII)
"""What no shell expands. Other clients may have named a queue anything, and zsh evaluates what it is offered."""


def queue_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The queues whose names begin so. Never starts an embedded store, and waits only briefly."""
    head = os.environ.get(_HEAD, "")
    try:
        names = [name for name in _all_names(ctx) if name.startswith(head + incomplete)]
    except (ConvoyError, OSError):
        return []
    return [name.removeprefix(head) for name in names if _PLAIN.fullmatch(name)]


def profile_names(incomplete: str) -> list[str]:
    """The profiles of the config file whose names begin so."""
    from convoy_tui.cli.config_path import config_path  # noqa: PLC0415 - as below
    from convoy_tui.cli.settings import read_config  # noqa: PLC0415

    try:
        profiles = read_config(config_path()).profiles
    except (ConvoyError, OSError):
        return []
    return [name for name in profiles if name.startswith(incomplete) and _PLAIN.fullmatch(name)]


def join_words(environ: MutableMapping[str, str]) -> None:
    """Put together what bash has split: it takes each colon and equals sign for a word of its own."""
    if environ.get(MODE) != "complete_bash":
        return
    text, at = environ.get("COMP_WORDS", ""), environ.get("COMP_CWORD", "")
    if not at.isdigit():
        return
    words: list[str] = []
    is_open = False
    for word in text.split("\n" if "\n" in text else " ")[: int(at) + 1]:
        is_break = bool(words) and re.fullmatch("[:=]+", word) is not None
        if is_break or is_open:
            words[-1] += word
        else:
            words.append(word)
        is_open = is_break
    last = words.pop()
    head = last[: max(last.rfind(":"), last.rfind("=")) + 1]
    if option := re.fullmatch("(--[a-z-]+)=", head):
        words.append(option[1])
        head, last = "", last[option.end() :]
    environ.update(
        {_HEAD: head, "COMP_WORDS": "\n".join([*words, last.removeprefix(head)]), "COMP_CWORD": str(len(words))}
    )


def _all_names(ctx: typer.Context) -> list[str]:
    # They load what reads files and reaches stores, which other completions do not need.
    from convoy_core import Fleet  # noqa: PLC0415
    from convoy_tui.cli.settings import resolve, store_of  # noqa: PLC0415

    given = {**(ctx.parent.params if ctx.parent else {}), **{k: v for k, v in ctx.params.items() if v is not None}}
    settings = resolve(os.environ, redis=given.get("redis"), prefix=given.get("prefix"), profile=given.get("profile"))
    store = store_of(settings)
    server = store.embedded_server
    if server is not None and not server.status().running:
        return []
    with Fleet(redis=store.url, prefix=settings.prefix, read_only=True) as fleet:
        return fleet.queues()
