"""The help texts of commands and of groups of commands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

from convoy_tui.cli.settings import config_path

MORE = "Also: --prefix, --profile, --read-only, --color and -q; see convoy --help."


def config_line() -> str:
    """The line at the end of each help that names the config file."""
    path = config_path()
    shown = f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)
    return f"Config file: {shown}"


class Group(TyperGroup):
    """A group of commands with a help for people, without type names."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters without their type names."""
        return _converting_at_need(_without_types(super().get_params(ctx)))


class Command(TyperCommand):
    """A command with a help for people, without type names."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters without their type names."""
        return _converting_at_need(_without_types(super().get_params(ctx)))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """`QUEUE [ID...]`, where typer would write `{QUEUE} [[ID...]]...`."""
        arguments = [parameter for parameter in self.params if parameter.param_type_name == "argument"]
        return ["[OPTIONS]", *[str(argument.metavar) for argument in arguments]]


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


def _without_types(parameters: list[Any]) -> list[Any]:
    """The parameters without `<bool>` and `<list[str]>` in the help: their names say enough."""
    for parameter in parameters:
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda **_: ""
        elif parameter.is_flag and parameter.metavar is None:
            parameter.metavar = ""
    return parameters
