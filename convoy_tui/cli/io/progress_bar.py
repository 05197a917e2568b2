"""The progress bar of a long command, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

from convoy_tui.cli.io.messages import Meter
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import number


@contextmanager
def bar(console: Console, what: str, total: int | None, unit: str) -> Iterator[Meter]:
    """A bar that is removed at the end. `total` has the unit of `Meter.moved`."""
    spinner = SpinnerColumn("line" if console.options.ascii_only else "dots")
    columns: list[ProgressColumn] = [spinner, TextColumn("{task.description}", markup=False)]
    columns += [BarColumn(bar_width=None), _Done(unit)]
    # Answers go above the bar, unless they go elsewhere: Rich would write those of a file to the terminal as well.
    mine = sys.stdout.isatty()
    with Progress(*columns, console=console, transient=True, expand=True, redirect_stdout=mine) as progress:
        yield _Bar(progress, what, total)


class _Bar(Meter):
    def __init__(self, progress: Progress, what: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(safe(what), total=total, counted=0)

    def moved(self, completed: int, counted: int) -> None:
        self._progress.update(self._task, completed=completed, counted=counted)


class _Done(ProgressColumn):
    """How many so far, and their rate."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """The count so far with its rate."""
        counted = int(task.fields["counted"])
        elapsed = task.elapsed or 0.0
        rate = f"  {number(round(counted / elapsed))}/s" if elapsed > 0.5 else ""
        return Text(f"{number(counted)} {self._unit}{rate}")
