"""Text from the store comes out visible and harmless, whatever it holds."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from convoy_tui.text.safe_text import safe

INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
VISIBLE_CF = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)}
"""Format characters with ink: Arabic number signs, Kaithi, Egyptian joiners."""


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain text, grüß dich, 日本", "plain text, grüß dich, 日本"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x7f\x9b31m", r"\x7f\u009b31m"),
        ("abc\u202edef\u2066", r"abc\u202edef\u2066"),
        ("a\u200bb\ufeff\u2028", r"a\u200bb\ufeff\u2028"),
        ("\U000e0041", r"\U000e0041"),
        (b"\xff\x80".decode("utf-8", "surrogateescape"), r"\xff\x80"),
        ("\ud800", r"\ud800"),
        ("[red]x[/] [", "[red]x[/] ["),
    ],
)
def test_unsafe_characters_become_visible_escapes(raw: str, shown: str) -> None:
    assert safe(raw) == shown


def test_every_control_character_of_unicode_is_escaped() -> None:
    unsafe = [code for code in range(0x110000) if unicodedata.category(chr(code)) in INVISIBLE]

    left = [hex(code) for code in unsafe if safe(chr(code)) == chr(code) and code not in VISIBLE_CF]

    assert left == []


def test_control_characters_and_undecodable_bytes_look_different() -> None:
    assert safe("\x85") != safe(b"\x85".decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (10, "mail:88412"),
        (9, "mail…8412"),
        (8, "mail…412"),
        (3, "m…2"),
        (2, "m…"),
        (1, "…"),
        (0, ""),
    ],
)
def test_text_is_cut_in_the_middle(width: int, shown: str) -> None:
    assert safe("mail:88412", width) == shown


@given(st.text(), st.integers(0, 40))
def test_cut_text_fits_its_cells(text: str, width: int) -> None:
    assert cell_len(safe(text, width)) <= width


@given(st.text())
def test_safe_text_stays_as_it_is(text: str) -> None:
    assert safe(safe(text)) == safe(text)


def test_wide_characters_count_as_two_cells() -> None:
    assert safe("日本語日本語", 6) == "日…語"


def test_a_huge_text_is_cut_before_it_is_escaped() -> None:
    text = "\x1b" * 10_000_000 + "end"

    assert safe(text, 12) == "\\x1b\\x…b\\x1bend"[:6] + "…" + "\\x1bend"[-5:]


def test_very_many_combining_marks_are_cut() -> None:
    assert len(safe("e" + "\u0301" * 100_000, 20)) < 200
