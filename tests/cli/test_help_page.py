"""The layout of a help page: what fits, what is wrapped, and what is kept as it stands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from convoy_tui.cli.help_page import MOST_COLUMNS, Row, Section, emphasized, lay_out

WORDS = st.lists(st.text("abc", min_size=1, max_size=9), max_size=20).map(" ".join)
TERMS = st.text("-xyz", min_size=1, max_size=40)


def test_terms_are_aligned_and_a_long_one_has_its_description_below() -> None:
    options = [Row("-n, --dry-run", "Change nothing."), Row("    --" + "long" * 8, "Late.")]

    page = lay_out("Usage: convoy", "", [Section("Options", options)], [], 40)

    assert page.split("\n\n")[1].split("\n") == [
        "Options:",
        "  -n, --dry-run  Change nothing.",
        "      --" + "long" * 8,
        " " * 17 + "Late.",
    ]


def test_prose_is_wrapped_and_examples_stay_as_they_are() -> None:
    text = "Put IDs into a queue.\n\nExamples:\n  convoy publish trucks 42 43 44 45 46 47 48 49"

    page = lay_out("Usage: convoy", text, [], ["A note."], 20)

    assert page.split("\n\n")[1:] == ["Put IDs into a\nqueue.", text.split("\n\n")[1], "A note."]


@given(WORDS, st.lists(st.builds(Row, TERMS, WORDS), max_size=4), st.integers(60, 200))
def test_no_line_is_wider_than_the_terminal(text: str, rows: list[Row], columns: int) -> None:
    page = lay_out("Usage: convoy", text, [Section("Options", rows)], [], columns)

    assert max(map(len, page.split("\n"))) <= min(columns, MOST_COLUMNS)


def test_headings_are_bold_and_nothing_else() -> None:
    assert emphasized("Look:\n  status  Is it:\n\nx") == "\x1b[1mLook:\x1b[0m\n  status  Is it:\n\nx"
