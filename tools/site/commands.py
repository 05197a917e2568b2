"""The reference of the command line, a page for each command, from the program itself, as its man pages are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import typer

from convoy_tui.cli.help import described
from convoy_tui.cli.lazy_group import COMMANDS, load
from convoy_tui.cli.main import app

FOLDER: Final = "reference/commands"


def pages() -> dict[str, str]:
    """The text of each page by its place. The first belongs behind the page that lists them."""
    made = {f"{FOLDER}/index.md": _list_of_all()}
    for name in COMMANDS:
        made[f"{FOLDER}/{name}.md"] = "\n".join(_command(f"convoy {name}", load(name), 1))
    return made


def nav() -> str:
    """The entries of the navigation, as TOML."""
    entries = [f'{{ "{name}" = "{FOLDER}/{name}.md" }}' for name in COMMANDS]
    return f'[ "{FOLDER}/index.md", {", ".join(entries)} ]'


def _list_of_all() -> str:
    lines = []
    for panel, listed in groupby(COMMANDS.items(), key=lambda each: each[1].panel):
        lines += [f"## {panel}", "", "| command | does |", "|---|---|"]
        lines += [f"| [`convoy {name}`]({name}.md) | {_cell(each.help)} |" for name, each in listed]
        lines.append("")
    group = typer.main.get_group(app)
    lines += ["## Options of `convoy` itself", "", *_parameters(group, typer.Context(group, info_name="convoy"), 2)]
    return "\n".join(lines)


def _command(name: str, command: Any, level: int) -> Iterator[str]:
    """A command with all its options, and the commands below it."""
    context = typer.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    yield from [f"{'#' * level} {name}", ""]
    first, *rest = str(command.help).split("\n\n")
    yield from [_prose(first), "", "```text", f"{name} {usage}".rstrip(), "```", ""]
    for text in rest:
        yield from _paragraph(text)
    yield from _parameters(command, context, level)
    for each, below in getattr(command, "commands", {}).items():
        yield from _command(f"{name} {each}", below, level + 1)


def _paragraph(text: str) -> list[str]:
    """A paragraph; one that is indented somewhere, as examples are, is a block."""
    if "\n  " not in text:
        return [_prose(text), ""]
    head, *lines = text.split("\n")
    return [head, "", "```sh", *(line.strip() for line in lines), "```", ""]


def _parameters(command: Any, context: Any, level: int) -> Iterator[str]:
    """A table of arguments, and one for each panel of options."""
    panels: dict[str, list[str]] = {}
    for each in command.get_params(context):
        if not each.hidden:
            is_argument = each.param_type_name == "argument"
            panel = "Arguments" if is_argument else getattr(each, "rich_help_panel", None) or "Options"
            term = str(each.metavar) if is_argument else _option(each)
            panels.setdefault(panel, []).append(f"| {_code(term)} | {_cell(described(each))} |")
    for panel, rows in panels.items():
        yield from [f"{'#' * (level + 1)} {panel}" if level > 1 or panel else "", ""]
        yield from ["| | |", "|---|---|", *rows, ""]


def _option(parameter: Any) -> str:
    value = "" if parameter.is_flag or not parameter.metavar else f" {parameter.metavar}"
    return ", ".join(sorted(parameter.opts, key=len)) + value


def _prose(text: str) -> str:
    """Text of the program as Markdown: options as code, and no other sign of it is markup, but for backquotes."""
    plain = " ".join(text.split())
    for sign, shown in {"*": "\\*", "<": "&lt;", "_": "\\_"}.items():
        plain = plain.replace(sign, shown)
    return re.sub(r"(?<![`\w-])(--?[a-z][a-z-]*)(?![`\w])", r"`\1`", plain)


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|")


def _code(term: str) -> str:
    return "`" + term.replace("|", "\\|") + "`"
