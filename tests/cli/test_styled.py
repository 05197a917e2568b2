"""Lines of styled text: what is printed, in which colour, and where long ones break."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from convoy_tui.cli.io.formats import Color
from convoy_tui.cli.io.styled import Styled, StyledStream

WORDS = st.lists(st.text("ab 日", max_size=12), max_size=6)


def line(*words: str) -> Styled:
    """One line whose parts are styled in turn."""
    return Styled([(word, "bold" if n % 2 else "") for n, word in enumerate(words)])


def test_a_part_is_painted_in_its_style_and_the_rest_is_not() -> None:
    styled = Styled.of("convoy: ", "bold red").append("no store")

    assert styled.plain == "convoy: no store"
    assert styled.painted() == "\x1b[1;31mconvoy: \x1b[0mno store"


@given(WORDS)
def test_a_terminal_shows_the_same_colours_as_rich_would(words: list[str]) -> None:
    assert Text.from_ansi(line(*words).painted()).plain == line(*words).rich().plain.rstrip("\n")


def test_long_lines_break_between_words_and_keep_their_styles() -> None:
    first, second, third = Styled.of("why: ", "bold").append("no worker has been there").wrapped(12, hanging=2)

    assert [first.plain, second.plain, third.plain] == ["why: no", "  worker has", "  been there"]
    assert first.parts == [("why: ", "bold"), ("no", "")]


@given(WORDS, st.integers(4, 20), st.integers(0, 2))
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(words: list[str], width: int, hanging: int) -> None:
    lines = line(*words).wrapped(width, hanging=hanging)

    assert max(part.cells for part in lines) <= width
    assert "".join(part.plain for part in lines).replace(" ", "") == "".join(words).replace(" ", "")


@pytest.mark.parametrize(
    ("color", "environment", "is_colored"),
    [(Color.AUTO, {}, False), (Color.ALWAYS, {"NO_COLOR": "1"}, True), (Color.NEVER, {}, False)],
)
def test_a_pipe_gets_colours_only_when_asked(
    color: Color, environment: dict[str, str], is_colored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    file = io.StringIO()

    StyledStream(file, color).print(Styled.of("fine", "green"))

    assert file.getvalue() == ("\x1b[32mfine\x1b[0m\n" if is_colored else "fine\n")
