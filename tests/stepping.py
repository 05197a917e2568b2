"""Runs code at a given step of a function, counted in bytecodes, as a signal handler may run at any of them."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from functools import cache
from types import CodeType, FrameType
from typing import Any


def at_step(step: int, modules: tuple[str, ...], act: Callable[[], object], deed: Callable[[], None]) -> bool:
    """Call `act`, and during it `deed`, before a step in one of `modules` (given as beginnings of their names).

    Returns whether that step was reached.
    """
    left = step

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if not frame.f_globals["__name__"].startswith(modules) or frame.f_code.co_name == "<listcomp>":
            return None
        if event == "exception" and argument[0] is GeneratorExit:
            frame.f_trace_opcodes = False
            return trace
        if event == "call" and _is_finalizing(frame):
            return None
        frame.f_trace = trace  # which Python 3.13 must know before it is told about opcodes
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode" and frame.f_lasti not in _leaving(frame.f_code):
            left -= 1
            if left < 0:
                sys.settrace(None)
                deed()
        return trace

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # Python 3.12 has no opcodes traced unless a frame wants it by now
    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
    return left < 0


def _is_finalizing(frame: FrameType | None) -> bool:
    """What is raised in a `__del__` or in a generator that is being closed, or below one, goes nowhere."""
    while frame is not None:
        if frame.f_code.co_name == "__del__" or (frame.f_trace is not None and not frame.f_trace_opcodes):
            return True
        frame = frame.f_back
    return False


@cache
def _leaving(code: CodeType) -> frozenset[int]:
    """The steps that leave a `with` block: an exception that arose there would keep the block's lock for ever, but the
    interpreter looks for signals only at calls and jumps, so that it cannot.
    """
    steps = list(dis.get_instructions(code))
    found: set[int] = set()
    for at, step in enumerate(steps[:-4]):
        if [one.opname for one in steps[at : at + 3]] == ["LOAD_CONST"] * 3 and step.argval is None:
            found |= {one.offset for one in steps[at : at + 5]}
    return frozenset(found)
