"""Tables fit their terminal: names keep their room, lesser columns go first, long IDs are cut in the middle."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from convoy_tui.cli.io.table import Cell, Heading, lay_out

HEADINGS = [Heading("ID", shrinks=True), Heading("AGE", right=True), Heading("HOST", drop=1), Heading("NOTE", drop=2)]


def lines(width: int, *rows: tuple[str, ...]) -> list[str]:
    """The table as plain text."""
    return [line.plain for line in lay_out(HEADINGS, [[Cell(text) for text in row] for row in rows], width)]


def test_columns_are_aligned_and_trailing_space_is_left_out() -> None:
    assert lines(80, ("a", "1s", "h1", "x"), ("bb", "10m", "h2", "")) == [
        "ID  AGE  HOST  NOTE",
        "a    1s  h1    x",
        "bb  10m  h2",
    ]


def test_the_least_important_column_is_dropped_first() -> None:
    row = ("a" * 24, "1s", "host", "note")

    assert lines(40, row)[0].split() == ["ID", "AGE", "HOST"]
    assert lines(34, row)[0].split() == ["ID", "AGE"]


def test_an_id_is_cut_in_the_middle_when_nothing_else_can_go() -> None:
    assert lines(20, ("start" + "x" * 50 + "end", "1s", "", ""))[1].split() == ["startxx…xxxxend", "1s"]


def test_wide_characters_keep_the_columns_straight() -> None:
    _, first, second = lines(80, ("日本", "1s", "h", ""), ("ab", "1s", "h", ""))

    assert Text(first).cell_len == Text(second).cell_len


@given(
    st.lists(st.tuples(st.text(), st.sampled_from(["1s", "12m04s"]), st.text(max_size=20), st.text()), max_size=5),
    st.integers(22, 120),
)
def test_no_line_is_wider_than_the_terminal(rows: list[tuple[str, str, str, str]], width: int) -> None:
    table = lay_out(HEADINGS, [[Cell(text) for text in row] for row in rows], width)

    assert max(line.cells for line in table) <= width
