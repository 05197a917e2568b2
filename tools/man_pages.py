"""Writes the man pages, a page for each command, from the program itself: `python -m tools.man_pages DIRECTORY`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from convoy_core.system import VERSION
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.help import described
from convoy_tui.cli.lazy_group import COMMANDS, load
from convoy_tui.cli.main import app


def write(directory: Path) -> list[Path]:
    """Write all pages into that directory; which they are."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in pages():
        path = directory / f"{name}.1"
        path.write_text(text, "utf-8")
        written.append(path)
    return written


def pages() -> Iterator[tuple[str, str]]:
    """The name and the text of each page. That of `convoy tui` is that of `convoy-tui`, which is the same."""
    yield "convoy", _page("convoy", typer.main.get_group(app), dict(_brief()))
    for name in COMMANDS:
        yield from _below(f"convoy {name}", load(name))


def _brief() -> Iterator[tuple[str, str]]:
    for name, listed in COMMANDS.items():
        yield f"convoy {name}", listed.help


def _below(name: str, command: Any) -> Iterator[tuple[str, str]]:
    """The page of a command, and of those below it."""
    commands = getattr(command, "commands", {})
    brief = {f"{name} {each}": str(below.help).partition("\n")[0] for each, below in commands.items()}
    yield name.replace(" ", "-"), _page(name, command, brief)
    for each, below in commands.items():
        yield from _below(f"{name} {each}", below)


def _page(name: str, command: Any, commands: dict[str, str]) -> str:
    context = typer.Context(command, info_name=name)
    first, *rest = str(command.help).split("\n\n")
    usage = " ".join(command.collect_usage_pieces(context))
    title = name.replace(" ", "-")
    lines = [f'.TH {_shown(title.upper())} 1 "" "Convoy {VERSION}"', ".SH NAME"]
    lines += [f"{_shown(title)} \\- {_shown(first.rstrip('.'))}", ".SH SYNOPSIS", f".B {_shown(name)}", _shown(usage)]
    if rest:
        lines += [".SH DESCRIPTION", *(line for text in rest for line in _paragraph(text))]
    parameters = [each for each in command.get_params(context) if not each.hidden]
    lines += _section("COMMANDS", {_shown(each): text for each, text in commands.items()})
    lines += _section("ARGUMENTS", {str(each.metavar): described(each) for each in parameters if _is_argument(each)})
    lines += _section("OPTIONS", {_option(each): described(each) for each in parameters if not _is_argument(each)})
    lines += [".SH EXIT STATUS", ", ".join(f"{code.value} {_word(code)}" for code in Code) + "."]
    if name != "convoy":
        lines += [".SH SEE ALSO", ".BR convoy (1)"]
    return "\n".join([*lines, ""])


def _paragraph(text: str) -> list[str]:
    """A paragraph; one that is indented somewhere, as examples are, keeps its lines."""
    if "\n  " not in text:
        return [".PP", _shown(" ".join(text.split()))]
    head, *lines = text.split("\n")
    return [".PP", _shown(head), ".nf", ".RS", *(_shown(line.strip()) for line in lines), ".RE", ".fi"]


def _section(heading: str, rows: dict[str, str]) -> list[str]:
    lines = [line for term, text in rows.items() for line in (".TP", f".B {term}", _shown(text))]
    return [f".SH {heading}", *lines] if lines else []


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _option(parameter: Any) -> str:
    value = "" if parameter.is_flag or not parameter.metavar else f" {parameter.metavar}"
    return _shown(", ".join(sorted(parameter.opts, key=len)) + value)


def _word(code: Code) -> str:
    return code.name.lower().replace("_", " ")


def _shown(text: str) -> str:
    """Text as roff takes it: nothing of it is a request or an escape, and a dash can be searched for and copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    print(f"{len(write(Path(sys.argv[1])))} pages")
