"""The help texts of commands and of groups of commands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from convoy_tui.cli.config_path import config_path
from convoy_tui.cli.help_page import Row, Section, emphasized, lay_out
from convoy_tui.cli.io.terminal import shows_colors, width_of

MORE = "Also: --prefix, --profile, --read-only, --color and -q; see convoy --help."


def config_line() -> str:
    """The line at the end of each help that names the config file."""
    path = config_path()
    shown = f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)
    return f"Config file: {shown}"


class Group(TyperGroup):
    """A group of commands with a help of our own, which loads nothing to draw it with."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, converted by ourselves where that is possible."""
        return _converting_at_need(super().get_params(ctx))

    def get_help(self, ctx: Any) -> str:
        """The page, for the terminal that it is shown on."""
        panels: dict[str, list[Row]] = {}
        width = max(map(len, self.commands))
        for name, listed in self.commands.items():
            command: Any = listed
            rows = panels.setdefault(command.rich_help_panel or "Commands", [])
            rows.append(Row(name.ljust(width), command.get_short_help_str(200)))
        return _page(self, ctx, [Section(panel, rows) for panel, rows in panels.items()])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Show the help where there is nothing else to do."""
        if not args and not ctx.resilient_parsing:
            typer.echo(self.get_help(ctx))
            ctx.exit()
        return super().parse_args(ctx, args)


class Command(TyperCommand):
    """A command with a help of our own, which loads nothing to draw it with."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, converted by ourselves where that is possible."""
        return _converting_at_need(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Let a value whose metavar stands in brackets be left out, as in `--serve [HOST:PORT]`; it is empty then."""
        options = [each for each in self.params if each.param_type_name == "option"]  # arguments have metavars as well
        omittable = {name for each in options for name in each.opts if str(each.metavar).startswith("[")}
        afters = [*args[1:], "-"]
        words = [f"{word}=" if word in omittable and afters[i].startswith("-") else word for i, word in enumerate(args)]
        return super().parse_args(ctx, words)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """`QUEUE [ID...]`, where typer would write `{QUEUE} [[ID...]]...`."""
        arguments = [parameter for parameter in self.params if parameter.param_type_name == "argument"]
        return ["[OPTIONS]", *[str(argument.metavar) for argument in arguments]]

    def get_help(self, ctx: Any) -> str:
        """The page, for the terminal that it is shown on."""
        return _page(self, ctx, [])


def _page(command: Any, ctx: Any, commands: list[Section]) -> str:
    usage = " ".join(["Usage:", ctx.command_path, *command.collect_usage_pieces(ctx)])
    notes = [command.epilog or "", config_line()]
    sections = [*commands, *_sections(command.get_params(ctx))]
    page = lay_out(usage, command.help or "", sections, notes, width_of(sys.stdout))
    return emphasized(page) if shows_colors(sys.stdout) else page


def _sections(parameters: list[Any]) -> Iterator[Section]:
    panels: dict[str, list[Row]] = {"Arguments": [], "Options": []}
    for parameter in parameters:
        if not parameter.hidden:
            is_argument = parameter.param_type_name == "argument"
            usual = "Arguments" if is_argument else "Options"
            term = str(parameter.metavar) if is_argument else _option(parameter)
            rows = panels.setdefault(getattr(parameter, "rich_help_panel", None) or usual, [])
            rows.append(Row(term, described(parameter)))
    return (Section(panel, rows) for panel, rows in panels.items())


def _option(parameter: Any) -> str:
    """`-c, --concurrency N`, with the long names of all options below each other."""
    names = sorted(parameter.opts, key=len)
    indent = "" if len(names[0]) == 2 else "    "
    value = "" if parameter.is_flag else f" {parameter.metavar}"
    return f"{indent}{', '.join(names)}{value}"


def described(parameter: Any) -> str:
    """The description with the default, in the words that the parameter has for it if it has some."""
    is_shown = parameter.show_default and parameter.default is not None and not getattr(parameter, "is_flag", False)
    default = parameter.show_default if isinstance(parameter.show_default, str) else parameter.default
    return f"{parameter.help or ''}{f' [default: {default}]' if is_shown else ''}"


def _converting_at_need(parameters: list[Any]) -> list[Any]:
    """Avoid typer's conversion: it loads pydantic, even for text, which takes as long as all of typer."""
    for parameter in parameters:
        if "process_value" not in vars(parameter):
            parameter.process_value = partial(_processed, parameter, parameter.process_value)
    return parameters


def _processed(parameter: Any, process: Callable[[Any, Any], Any], ctx: Any, value: Any) -> Any:
    """The value of a parameter: unchanged, by our own parser, or else by typer."""
    kind, parser = parameter.type_descriptor.annotation, parameter.type_descriptor.parameter_info.parser
    is_many = parameter.multiple or parameter.nargs != 1
    if value is None and not parameter.required:
        value = () if is_many else None
    elif kind == list[str] and value and is_many:
        value = list(value)
    elif parser is not None and isinstance(value, str) and not is_many:
        value = parser(value)
    elif type(value) is not kind:
        return process(ctx, value)
    return value if parameter.callback is None else parameter.callback(ctx, parameter, value)
