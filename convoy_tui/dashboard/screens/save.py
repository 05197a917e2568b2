"""The dialog to save a list of IDs to a file: one per line, or a line of JSON for each.

Who looks through a browser gets a download: files of the server's machine are none of theirs.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input

from convoy_core import ConvoyError
from convoy_tui.dashboard.board.entries import Item
from convoy_tui.dashboard.board.spans import Tone, line
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.dashboard.widgets.entry import OneLine
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, number

Slices = Callable[[], AsyncIterator[Sequence[Item]]]


class SaveDialog(Dialog):
    """Save IDs. Nothing is sent to the store, and no file is overwritten."""

    AUTO_FOCUS = "#path"
    leave_label = "Close"
    confirm_key = "Enter"
    footing = "a new file, which only you can read"

    def __init__(
        self, services: Services, queue: str, what: str, name: str, total: int, slices: Slices, gone: str = ""
    ) -> None:
        """`gone`: what is said of those of the total that are not found."""
        super().__init__(services)
        self._what = what
        self._suggested = name
        self._total = total
        self._slices_of = slices
        self._gone = gone
        self._file: IO[bytes] | None = None
        self._broken = 0
        self.heading = f"Save · {safe(queue, 50)}{self.place(services.board)}"

    def body(self) -> ComposeResult:
        """What is saved, and where."""
        yield Lines(line((self._what, Tone.STRONG)), id="summary")
        yield OneLine(self._suggested, id="path")
        yield Lines(id="outcomes")

    def on_mount(self) -> None:
        """Say what would be written."""
        if self.app.is_web:
            self.query_one("#frame").border_subtitle = Content("a download of your browser")
        self._look()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what would be written under that name."""
        super().on_input_changed(event)
        if event.input.id == "path":
            self._look()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the field saves."""
        super().on_input_submitted(event)
        if event.input.id == "path":
            self.action_confirm()

    @property
    def _path(self) -> Path:
        given = Path(self.query_one("#path", Input).value.strip())
        return Path(given.name) if self.app.is_web else given.expanduser()

    def _look(self) -> None:
        path = self._path
        is_json = path.suffix == ".jsonl"
        form = (
            "a line of JSON for each ID" if is_json else "one ID per line; a name that ends in .jsonl keeps all fields"
        )
        there = path.name if self.app.is_web else str(path.absolute())
        self.say("#outcomes", lambda: [line((form, Tone.DIM)), line((safe(there, self.room), Tone.DIM))])
        if not self._path.name:
            self.disarm("Save")
        elif not self.app.is_web and path.exists():
            self.note("That file is there already; choose another name.")
            self.disarm("Save")
        else:
            self.note("")
            self.arm("Save")

    async def act(self) -> Done:
        """Read the IDs slice by slice, and write each as it arrives."""
        path, self._broken = self._path, 0
        if self.app.is_web:
            file = self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the browser has it
            try:
                done = await self._write_all(path)
            except BaseException:
                file.close()
                raise
            self.app.deliver_binary(file, save_filename=path.name)
            return done
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise _NotWritten(f"{path} cannot be written: {error.strerror}.") from error
        with os.fdopen(descriptor, "wb") as self._file:
            try:
                return await self._write_all(path)
            except BaseException:
                path.unlink(missing_ok=True)  # or the next try would find it there
                raise

    async def _write_all(self, path: Path) -> Done:
        nothing: Counter[str] = Counter()
        return await self.runner.run(self._slices(path), nothing, self._total, lambda tally: self._tell(tally, path))

    async def _slices(self, path: Path) -> AsyncIterator[tuple[int, Counter[str]]]:
        left = self._total
        async for items in self._slices_of():
            lines = [self._line(item, is_json=path.suffix == ".jsonl") for item in items]
            try:
                await asyncio.to_thread(self._write, b"".join(lines))
            except OSError as error:
                raise _NotWritten(f"{path} cannot be written: {error.strerror}.") from error
            left -= len(items)
            yield len(items), Counter(saved=len(items))
        if self._gone and left:
            yield left, Counter(gone=left)

    def _line(self, item: Item, *, is_json: bool) -> bytes:
        if is_json:
            return json.dumps(asdict(item.entry) | {"at": item.at}).encode() + b"\n"
        self._broken += "\n" in item.entry.id
        return item.entry.id.encode("utf-8", "surrogateescape") + b"\n"

    def _write(self, content: bytes) -> None:
        if self._file is not None:
            self._file.write(content)
            self._file.flush()  # now, so that a full disk is told of with this slice

    def _tell(self, tally: Counter[str], path: Path) -> Done:
        told = f"Saved {count(tally['saved'], 'ID')} to {safe(str(path), 60)}."
        if gone := tally["gone"]:
            told = f"{told[:-1]}; {number(gone)} {self._gone}."
        if self._broken:
            return Done(f"{told} {count(self._broken, 'ID holds', 'IDs hold')} a line break: use .jsonl.", Tone.WARNING)
        return Done(told, Tone.WARNING if gone else Tone.FINE)


class _NotWritten(ConvoyError):
    """A file cannot be written. The dialog shows it as it shows errors of the store."""
