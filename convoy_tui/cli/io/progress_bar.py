"""The progress bar of a long command, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

from convoy_tui.cli.io.messages import Meter
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import number


@contextmanager
def bar(console: Console, what: str, total: int | None) -> Iterator[Meter]:
    """A bar that is removed at the end. `total` has the unit of `Meter.moved`."""
    spinner = SpinnerColumn("line" if console.options.ascii_only else "dots")
    columns: list[ProgressColumn] = [spinner, TextColumn("{task.description}", markup=False)]
    columns += [BarColumn(bar_width=None), _Done()]
    with Progress(*columns, console=console, transient=True, expand=True) as progress:
        yield _Bar(progress, what, total)


class _Bar(Meter):
    def __init__(self, progress: Progress, what: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(safe(what), total=total, ids=0)

    def moved(self, completed: int, ids: int) -> None:
        self._progress.update(self._task, completed=completed, ids=ids)


class _Done(ProgressColumn):
    """The number of IDs and their rate."""

    def render(self, task: Task) -> Text:
        """The count so far with its rate."""
        ids = int(task.fields["ids"])
        elapsed = task.elapsed or 0.0
        rate = f"  {number(round(ids / elapsed))}/s" if elapsed > 0.5 else ""
        return Text(f"{number(ids)} IDs{rate}")
