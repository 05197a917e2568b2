"""Turn a function into a command: adds the common options, the session, and the translation of errors."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TypeAlias

import typer

from convoy_core import ConvoyError
from convoy_tui.cli import parameters as p
from convoy_tui.cli.exit_codes import Code, Ended, ending
from convoy_tui.cli.flags import Flags
from convoy_tui.cli.help import MORE, Command
from convoy_tui.cli.io.broken_stdout import forget_stdout, unwritten
from convoy_tui.cli.session import Session

Function: TypeAlias = "Callable[..., Code | None]"

SHARED: Mapping[str, object] = {
    "redis": p.Redis,
    "output": p.OutputFormat,
    "json": p.JSONFlag,
    "prefix": p.HiddenPrefix,
    "profile": p.HiddenProfileName,
    "read_only": p.HiddenReadOnlyFlag,
    "color": p.HiddenColorChoice,
    "quiet": p.HiddenQuiet,
    "operator": p.HiddenOperatorName,
}
"""The options that every command has. The help of a command shows the first three, `convoy --help` all."""


def command(
    app: typer.Typer, name: str, *, panel: str | None = None, writes: bool = False, audited: bool = False
) -> Callable[[Function], Function]:
    """Register a function as the command `name`. Its first argument is a Session, its result the exit code.

    One whose acts are kept in the audit takes `--reason` besides.
    """

    def register(function: Function) -> Function:
        app.command(name, cls=Command, rich_help_panel=panel, epilog=MORE)(
            _with_shared_options(function, writes=writes, audited=audited)
        )
        return function

    return register


def _with_shared_options(function: Function, *, writes: bool, audited: bool) -> Callable[..., int]:
    @functools.wraps(function)
    def run(ctx: typer.Context, **values: object) -> int:
        flags = Flags(**{name: values.pop(name) for name in SHARED}).over(outer_flags(ctx))  # type: ignore[arg-type]
        reason: object = values.pop("reason") if audited else None
        # A switch that some commands have.
        session = Session(flags, nul=values.get("nul"), reason=reason)  # type: ignore[arg-type]
        return finish(session, lambda: function(session, **values), writes=writes)

    run.__doc__ = _reflowed(function)
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]  # without the session
    kind = inspect.Parameter.KEYWORD_ONLY
    first = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    shared = [inspect.Parameter(name, kind, default=None, annotation=hint) for name, hint in SHARED.items()]
    why = [inspect.Parameter("reason", kind, default=None, annotation=p.Reason)] if audited else []
    parameters = [first, *(parameter.replace(kind=kind) for parameter in own), *why, *shared]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _reflowed(function: Function) -> str:
    """The docstring with each paragraph in one line, so that the help wraps it to its own width."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(text if "\n  " in text else text.replace("\n", " ") for text in paragraphs)


def outer_flags(ctx: typer.Context) -> Flags:
    """The flags given before the command's name."""
    flags = ctx.find_root().obj
    return flags if isinstance(flags, Flags) else Flags()


def finish(session: Session, work: Callable[[], Code | None], *, writes: bool) -> int:
    """Run the command and return its exit code. An error becomes a message on stderr."""
    try:
        code = work() or Code.DONE
        session.out.flush()
        session.warn_of_broken_ids()
    except (Ended, ConvoyError) as error:
        ended = error if isinstance(error, Ended) else ending(error)
        session.messages.error(ended)
        return ended.code
    except BrokenPipeError:
        # The reader has closed the pipe, as in `convoy list trucks | head`. Drop the rest of the buffer.
        forget_stdout()
        return Code.PARTLY if writes else Code.DONE
    except OSError as error:
        if error.filename is not None:
            raise
        ended = unwritten(error, has_written=writes)
        session.messages.error(ended)
        return ended.code
    except KeyboardInterrupt:
        return Code.INTERRUPTED
    finally:
        session.close()
    return code
