"""Every command and every piece of code in README and docs can be done as it stands, in an empty home directory."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from convoy_tui.cli.lazy_group import COMMANDS, load
from tests.docs import page_run
from tests.servers import RealServer, valkey_binary
from tests.waiting import patient
from tools.site.markdown import Block, blocks

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): list(blocks(path.read_text("utf-8")))
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
}
EMBEDDED = {"README.md", "docs/start.md", "docs/backups.md"}
"""Pages for readers who have no store: theirs is the embedded one of that home directory."""
NOT_RUN = {
    "README.md": 1,
    "docs/dashboard.md": 2,
    "docs/deployment.md": 3,
    "docs/start.md": 2,
    "docs/topologies.md": 2,
}
"""How many blocks of which pages nobody runs. A further one needs a reason that is better than these."""


def is_run(block: Block) -> bool:
    """Whether the block does something here."""
    return block.language not in page_run.SHOWN and "not-run" not in block.attributes


_OF_THE_TESTS = {"PYTEST_ADDOPTS", "COLUMNS", "LINES"}
"""What a reader's environment lacks; the terminal says how wide it is."""


@pytest.fixture
def safe_store() -> Iterator[RealServer]:
    """A store whose settings the doctor has no fault to find with."""
    server = RealServer(valkey_binary(), "--appendonly", "yes")
    yield server
    server.stop()


@pytest.mark.parametrize("name", [name for name, found in PAGES.items() if any(map(is_run, found))])
def test_every_block_of_a_page_does_what_it_says(name: str, safe_store: RealServer, tmp_path: Path) -> None:
    url = [] if name in EMBEDDED else [safe_store.url]
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    environment = {
        **{key: value for key, value in os.environ.items() if key not in _OF_THE_TESTS},
        **({"CONVOY_REDIS_URL": safe_store.url} if url else {}),
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }

    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.docs.page_run", str(ROOT / name), *url],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=patient(120),
        )
    finally:
        if not url:
            stop = [sys.executable, "-m", "convoy_tui.cli", "server", "stop"]
            subprocess.run(stop, env=environment, cwd=tmp_path, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr


def test_what_is_not_run_says_why_and_is_little() -> None:
    reasons = {
        name: [block.attributes["not-run"] for block in found if "not-run" in block.attributes]
        for name, found in PAGES.items()
    }

    assert {name: len(given) for name, given in reasons.items() if given} == NOT_RUN
    assert [given for each in reasons.values() for given in each if len(given) < 10] == []


def test_every_block_has_a_language_and_no_unknown_attribute() -> None:
    kinds = Counter(block.language for found in PAGES.values() for block in found)
    attributes = {name for found in PAGES.values() for block in found for name in block.attributes}

    assert kinds.keys() <= {"python", "sh", "console", "toml", "json"} | page_run.SHOWN
    assert attributes <= {"title", "background", "not-run"}
    assert min(kinds["python"], kinds["sh"], kinds["console"]) > 5


def test_a_page_names_no_command_that_is_not_there() -> None:
    """In its text as well, and in blocks that are not run."""
    named = {
        (name, command)
        for name in PAGES
        for command in re.findall(r"(?:`|^\$? ?)convoy ([a-z][a-z-]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    }

    assert {command for _, command in named} - COMMANDS.keys() == set()


def lines_in_prose() -> Iterator[tuple[str, str]]:
    """Each command line with options between backquotes, and the page that it is on."""
    for name in PAGES:
        prose = re.sub(r"^```.*?^```$", "", (ROOT / name).read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
        for line in re.findall(r"`(convoy [a-z][^`]* -[^`]*)`", prose):
            yield name, " ".join(line.split())


@pytest.mark.parametrize(("name", "line"), [*lines_in_prose()])
def test_a_command_line_in_the_text_has_options_that_there_are(name: str, line: str) -> None:
    command, *words = shlex.split(line.replace("[", "").replace("]", ""))[1:]
    loaded = load(command)
    if words[0] in getattr(loaded, "commands", {}):
        loaded = loaded.commands[words[0]]
    known = {option for each in loaded.params for option in each.opts} | {"--help"}

    assert {word for word in words if re.fullmatch(r"--?[a-z].*", word)} - known - {"-"} == set(), name
    # What `--exec` runs: {} stands alone, as it is no shell's.
    assert [word for word in words if "{}" in word and "{}" not in word.split()] == [], name


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("```sh\nfalse\n```", "it ended with 1"),
        ("```python\nassert 1 == 2\n```", "AssertionError"),
        ("```console\n$ echo one\ntwo\n```", "does not say 'two'"),
        ("```console\n$ printf 'a\\nb\\n'\nb\na\n```", "does not say 'a'"),
        ("```toml\n=\n```", "TOMLDecodeError"),
        ("```fortran\nend\n```", "nobody runs blocks of 'fortran'"),
    ],
)
def test_a_block_that_does_not_do_what_it_says_is_found(tmp_path: Path, page: str, said: str) -> None:
    (tmp_path / "page.md").write_text(page)

    with pytest.raises(SystemExit, match=re.escape(said)):
        page_run.main(str(tmp_path / "page.md"))


def test_what_should_go_on_and_ends_is_found(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text('```sh background="goes on"\necho gone\n```\n\n```sh\nsleep 0.5\n```')

    with pytest.raises(page_run.Failed, match="gone"):
        page_run.main(str(tmp_path / "page.md"))
