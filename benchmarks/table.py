"""The table in its three forms: for a terminal, in Markdown, and as one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.figures import AtLeast, AtMost, Figure, Row

SCHEMA = 1
"""Version of the JSON document."""

HEADINGS = ("What", "Unit", "Median (min to max)", "Bare store", "which is", "Ratio", "Goal", "Reached", "Beside")
NUMBERS = frozenset({"Median (min to max)", "Bare store", "Ratio", "Goal"})


def as_json(about: Mapping[str, Any], rounds: int, rows: Sequence[Row]) -> str:
    """All of it as one document."""
    document = {"schema": SCHEMA, "about": about, "rounds": rounds, "rows": [row.as_record() for row in rows]}
    return json.dumps(document, indent=2)


def as_markdown(about: Mapping[str, Any], rounds: int, rows: Sequence[Row]) -> str:
    """A heading line and the table."""
    lines = [caption(about, rounds), "", *markdown(HEADINGS, [_cells(row) for row in rows])]
    return "\n".join(lines)


def show(about: Mapping[str, Any], rounds: int, rows: Sequence[Row]) -> None:
    """Print it."""
    show_cells(caption(about, rounds), HEADINGS, [_cells(row) for row in rows])


def markdown(headings: Sequence[str], cells: Sequence[Sequence[str]], numbers: frozenset[str] = NUMBERS) -> list[str]:
    """The lines of a Markdown table, with the columns of `numbers` to the right."""
    rule = ["---:" if heading in numbers else "---" for heading in headings]
    return [f"| {' | '.join(line)} |" for line in [headings, rule, *cells]]


def show_cells(
    title: str, headings: Sequence[str], cells: Sequence[Sequence[str]], numbers: frozenset[str] = NUMBERS
) -> None:
    """Print a table, as wide as it needs when nobody's terminal says otherwise."""
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in numbers else "left")
    for line in cells:
        table.add_row(*line)
    Console(width=None if sys.stdout.isatty() else 240).print(table)


def number(value: float) -> str:
    """With three digits that count, or all of them before the point."""
    if value == 0:
        return "0"
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{decimals}f}"


def spread(figure: Figure) -> str:
    """The median, and how far the rounds lay apart."""
    if len(figure.rounds) == 1:
        return number(figure.median)
    return f"{number(figure.median)} ({number(figure.low)} to {number(figure.high)})"


def caption(about: Mapping[str, Any], rounds: int) -> str:
    """What everything was measured with."""
    known = ", ".join(f"{name} {value}" for name, value in about.items())
    return f"{known}. Medians of {rounds} round{'s' * (rounds != 1)}."


def _cells(row: Row) -> tuple[str, ...]:
    beside = [f"{label}: {number(figure.median)}" for label, figure in row.beside.items()]
    if row.note:
        beside.append(row.note)
    return (
        row.what,
        row.unit,
        spread(row.figure),
        spread(row.limit),
        row.limit_is,
        number(row.ratio.median) if row.ratio else "",
        _goal(row.goal),
        {None: "", True: "yes", False: "missed"}[row.is_reached],
        "; ".join(beside),
    )


def _goal(goal: AtLeast | AtMost | None) -> str:
    if goal is None:
        return ""
    sign = "≥" if isinstance(goal, AtLeast) else "≤"
    return f"{sign} {number(goal.number)}{' x' if goal.of_the_ratio else ''}"
