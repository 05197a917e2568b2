"""Looks for a handler by its import path where it is to run: in a child process, which a crash ends alone, or here."""

from __future__ import annotations

import asyncio
import os
import shutil

from convoy_core import (
    Command,
    Handler,
    HandlerNotFound,
    InvalidOption,
    Isolated,
    check_handler,
    is_coroutine_handler,
    load_handler,
)
from convoy_tui.dashboard.local_pools import RunsIn

IMPORT_S = 20.0
"""So long a module may take to be imported."""


async def find(path: str, runs_in: RunsIn) -> tuple[Handler | None, str]:
    """The handler, if it is to run in threads here, and what was found, in words. Raises ConvoyError."""
    if runs_in is RunsIn.COMMAND:
        return None, await asyncio.to_thread(_find_program, path)
    if runs_in is RunsIn.THREADS:
        handler = await asyncio.to_thread(_load, path)
        return handler, _kind(is_coroutine=is_coroutine_handler(handler))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        is_coroutine = await _find_elsewhere(Isolated(path, elsewhere=True, output=nowhere))
        return None, _kind(is_coroutine=is_coroutine)
    finally:
        os.close(nowhere)


def _kind(*, is_coroutine: bool) -> str:
    return f"{'a coroutine' if is_coroutine else 'a plain'} function"


def _find_program(words: str) -> str:
    program = Command(words).program
    return f"{shutil.which(program) or program}, run without a shell"


async def _find_elsewhere(handler: Isolated) -> bool:
    try:
        async with asyncio.timeout(IMPORT_S):
            return await handler.find()
    except TimeoutError:
        raise HandlerNotFound(f"Importing it takes longer than {IMPORT_S:g} s.") from None
    finally:
        await handler.aclose()


def _load(path: str) -> Handler:
    """The handler, also searched in the current directory."""
    try:
        handler = load_handler(path, here=True)
        check_handler(handler)
    except (HandlerNotFound, InvalidOption):
        raise
    except BaseException as error:  # the user's module: even SystemExit only means that it cannot be used
        raise HandlerNotFound(f"Importing it ended in {type(error).__name__}: {error}") from error
    return handler
