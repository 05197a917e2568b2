"""The `convoy` command: the groups of commands, the options before them, and the last handler of errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

from convoy_core.system import VERSION, prepare_streams
from convoy_tui.cli import parameters as p
from convoy_tui.cli.completion import MODE, join_words
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.flags import Flags
from convoy_tui.cli.io import encoding
from convoy_tui.cli.io.broken_stdout import forget_stdout, unwritten
from convoy_tui.cli.lazy_group import LazyGroup
from convoy_tui.text.safe_text import safe


class _Group(LazyGroup):
    """Ends every command with an exit code and at most two lines of error."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        encoding.set_up()
        if MODE in os.environ:
            join_words(os.environ)
        try:
            code = super().main(
                encoding.arguments(args),
                prog_name or "convoy",
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
            sys.stdout.flush()
        except typer.Abort:
            code = Code.INTERRUPTED
        except BrokenPipeError:
            forget_stdout()
            code = Code.DONE
        except Exception as error:  # noqa: BLE001 - the last place that can turn it into a message and an exit code
            ended = _usage(error, sys.argv[1:] if args is None else args) or _unanswered(error) or _unexpected(error)
            if str(ended):
                from convoy_tui.cli.io.messages import Messages  # noqa: PLC0415 - loads rich

                Messages().error(ended)
            code = ended.code
        sys.exit(int(code or 0))


app = typer.Typer(
    name="convoy",
    cls=_Group,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"convoy {VERSION}")
        raise typer.Exit


@app.callback()
def _options(  # noqa: PLR0913 - the options that stand before a command
    ctx: typer.Context,
    *,
    redis: p.Redis = None,
    prefix: p.Prefix = None,
    profile: p.ProfileName = None,
    read_only: p.ReadOnlyFlag = None,
    output: p.OutputFormat = None,
    json: p.JSONFlag = None,
    color: p.ColorChoice = None,
    quiet: p.Quiet = None,
    operator: p.OperatorName = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Queues of unique IDs on Redis or Valkey: publish, look, repair, work."""
    ctx.obj = Flags(redis, prefix, profile, read_only, output, json, color, quiet, operator)


def _usage(error: Exception, args: Sequence[str]) -> Ended | None:
    """The message for a usage error that typer found, with the help to read."""
    say = getattr(error, "format_message", None)
    if say is None:
        return None
    message = _complaint(error, args) or str(say())
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx else "convoy"
    return Ended(Code.USAGE, message, _dash_advice(error) or f"See {path} --help.")


def _dash_advice(error: Exception) -> str | None:
    """How to give an ID that begins with a dash, if one may have been taken for an option."""
    ctx, option = getattr(error, "ctx", None), getattr(error, "option_name", None)
    if ctx is None or option is None or getattr(error, "possibilities", None):
        return None
    if not any(parameter.name in ("id", "ids") for parameter in ctx.command.params):
        return None
    return f"An ID that begins with a dash follows two of them: {ctx.command_path} ... -- {option}"


def _complaint(error: Exception, args: Sequence[str]) -> str | None:
    """What is wrong with the value of a parameter, beginning with the option as it was given."""
    parameter, message = getattr(error, "param", None), getattr(error, "message", None)
    if parameter is None or not message:
        return None
    given = [option for option in parameter.opts for arg in args if _is_given(arg, option)]
    name = parameter.metavar if parameter.param_type_name == "argument" else (given or parameter.opts)[0]
    return f"{name}: {message.removeprefix('Value error, ')}"


def _is_given(arg: str, option: str) -> bool:
    """Whether an argument gives that option: alone, with its value after =, or, for a short one, attached."""
    return arg.partition("=")[0] == option or (not option.startswith("--") and arg.startswith(option))


def _unanswered(error: Exception) -> Ended | None:
    """The Ended for a help text that could not be written."""
    if isinstance(error, OSError) and error.filename is None:
        return unwritten(error, has_written=False)
    return None


def _unexpected(error: Exception) -> Ended:
    kind = type(error).__name__
    return Ended(
        Code.UNEXPECTED,
        f"Unexpected {kind}: {safe(str(error), 300)}",
        "That should not happen; please report it with the command that led to it.",
    )


def run() -> NoReturn:
    """The entry point."""
    prepare_streams()
    app()
    raise AssertionError  # app() always exits
