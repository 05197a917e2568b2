"""The site of `make docs` is built without a warning, each link leads somewhere, and the reference is complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import convoy_core
import convoy_core.testing
from convoy_tui.cli.lazy_group import COMMANDS, load
from tools.site import __main__ as site
from tools.site import checking, commands, library, markdown

PAGE = '<html><body><h1 id="top">Top</h1>{}</body></html>'


def test_the_site_is_built_strictly_and_has_each_public_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = site.main(tmp_path / "site")

    assert (faults, capsys.readouterr().err) == (0, "")
    built = "".join(path.read_text("utf-8") for path in (tmp_path / "site/html/reference/library").glob("*.html"))
    anchors = set(re.findall(r'\bid="([^"]+)"', built))
    assert {f"convoy_core.{name}" for name in convoy_core.__all__} - anchors == set()
    assert {f"convoy_core.testing.{name}" for name in convoy_core.testing.__all__} - anchors == set()
    assert "convoy_core.Queue.publish" in anchors  # which it inherits


def test_each_public_name_has_one_place_in_the_reference() -> None:
    names = [name for names in library.parts().values() for name in names]

    assert len(names) == len(set(names)) == len(convoy_core.__all__) + len(convoy_core.testing.__all__)


def test_each_command_has_a_page_with_its_options_and_examples() -> None:
    pages = commands.pages()

    assert {f"reference/commands/{name}.md" for name in COMMANDS} == pages.keys() - {"reference/commands/index.md"}
    assert "`-c, --concurrency N` | Jobs at once, per process. [default: 1]" in pages["reference/commands/work.md"]
    assert "```sh\nconvoy publish trucks 42 43 44\n" in pages["reference/commands/publish.md"]
    assert (
        "`--grace TIME` | Only what is wrong all this time is a fault. [default: 10s]"
        in pages["reference/commands/doctor.md"]
    )
    assert [name for name, page in pages.items() if "None" in page] == []
    assert "## convoy server start" in pages["reference/commands/server.md"]
    assert [name for name in COMMANDS if f"]({name}.md)" not in pages["reference/commands/index.md"]] == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="other.html">other</a>', "links to other.html, which is not there"),
        ('<a href="#below">below</a>', "links to #below, which is not there"),
        ('<img src="https://elsewhere.example/a.png">', "loads https://elsewhere.example/a.png from another host"),
        ('<script src="//elsewhere.example/a.js"></script>', "loads //elsewhere.example/a.js from another host"),
    ],
)
def test_a_page_with_a_fault_is_found(tmp_path: Path, body: str, fault: str) -> None:
    (tmp_path / "page.html").write_text(PAGE.format(body))

    assert checking.faults(tmp_path) == [f"page.html {fault}"]


def test_a_style_that_loads_a_font_from_another_host_is_found(tmp_path: Path) -> None:
    (tmp_path / "site.css").write_text("@font-face { src: url('https://fonts.example/a.woff2') }")

    assert checking.faults(tmp_path) == ["site.css loads https://fonts.example/a.woff2 from another host"]


def test_links_that_lead_somewhere_are_no_faults(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE.format('<a href="page.html#top">up</a> <a href="https://redis.io">it</a>'))

    assert checking.faults(tmp_path) == []


def test_the_attributes_of_a_fence_are_read_and_left_out_of_the_site() -> None:
    page = 'Text.\n\n```sh not-run="needs root"\nsystemctl stop x\n```\n\n```python title="a.py"\npass\n```\n'

    first, second = markdown.blocks(page)

    assert first == markdown.Block("sh", {"not-run": "needs root"}, "systemctl stop x\n", 4)
    assert second.attributes == {"title": "a.py"}
    assert markdown.without_attributes(page) == page.replace(' not-run="needs root"', "")


def test_each_option_that_takes_a_value_names_it() -> None:
    options = [
        (name, each)
        for name in COMMANDS
        for each in load(name).params
        if each.param_type_name == "option" and not each.hidden
    ]

    assert [(name, each.opts) for name, each in options if not each.is_flag and not each.metavar] == []
