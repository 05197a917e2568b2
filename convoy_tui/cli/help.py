"""How the help of a command and of a group of them reads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

from convoy_tui.cli.settings import config_path

MORE = "Also: --prefix, --profile, --read-only, --color and -q; see convoy --help."


def config_line() -> str:
    """Where profiles are kept, for the end of a help."""
    path = config_path()
    shown = f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)
    return f"Config file: {shown}"


class Group(TyperGroup):
    """A group of commands whose help reads as people write."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, without type names beside them."""
        return _converting_at_need(_without_types(super().get_params(ctx)))


class Command(TyperCommand):
    """A command whose help reads as people write."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, without type names beside them."""
        return _converting_at_need(_without_types(super().get_params(ctx)))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """`QUEUE [ID...]`, where typer would write `{QUEUE} [[ID...]]...`."""
        arguments = [parameter for parameter in self.params if parameter.param_type_name == "argument"]
        return ["[OPTIONS]", *[str(argument.metavar) for argument in arguments]]


def _converting_at_need(parameters: list[Any]) -> list[Any]:
    """Typer loads pydantic to convert whatever there is, even text into text, which takes as long as all of typer."""
    for parameter in parameters:
        if "process_value" not in vars(parameter):
            parameter.process_value = partial(_processed, parameter, parameter.process_value)
    return parameters


def _processed(parameter: Any, process: Callable[[Any, Any], Any], ctx: Any, value: Any) -> Any:
    """The value of a parameter, by ourselves where it stays as it is or has a parser of ours, else by typer."""
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
    """A switch takes no value, and an argument's name says enough: no `<bool>` and `<list[str]>` in the help."""
    for parameter in parameters:
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda **_: ""
        elif parameter.is_flag and parameter.metavar is None:
            parameter.metavar = ""
    return parameters
