"""What maintainers run: a distribution with a file missing is refused, and the matrix finds what is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from convoy_tui.cli.lazy_group import COMMANDS
from tools import dist, man_pages, matrix

RECORD = "convoy_queue-0.0.0.dist-info/"
METADATA = "Metadata-Version: 2.4\nName: convoy-queue\nVersion: 0.0.0\n"
OURS = [path.relative_to(dist.ROOT).as_posix() for name in dist.PACKAGES for path in dist.files_of(dist.ROOT / name)]


def made(place: Path, *, without: str = "", also: str = "", metadata: str = METADATA) -> tuple[Path, Path]:
    """A source distribution and a wheel with what belongs there, but for one file; and perhaps another."""
    sources, wheel = place / "convoy_queue-0.0.0.tar.gz", place / "convoy_queue-0.0.0-py3-none-any.whl"
    with tarfile.open(sources, "w:gz") as archive:
        for name in [*dist.IN_SOURCES, *OURS]:
            archive.add(dist.ROOT / name, f"convoy_queue-0.0.0/{name}")
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in OURS:
            if not without or not Path(name).match(without):
                archive.write(dist.ROOT / name, name)
        for name, page in man_pages.pages():
            archive.writestr(f"convoy_queue-0.0.0.data/data/share/man/man1/{name}.1", page)
        for name, text in {"METADATA": metadata, "entry_points.txt": "", "licenses/LICENSE": ""}.items():
            archive.writestr(RECORD + name, text)
        if also:
            archive.writestr(also, "")
    return sources, wheel


def test_a_distribution_with_all_that_belongs_there_is_accepted(tmp_path: Path) -> None:
    dist.look_into(*made(tmp_path))


@pytest.mark.parametrize("name", ["py.typed", "publish.lua", "*.lua", "*.tcss", "__main__.py"])
def test_a_wheel_that_lacks_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SystemExit, match="missing"):
        dist.look_into(*made(tmp_path, without=name))


def test_a_wheel_with_a_file_of_another_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="out of place"):
        dist.look_into(*made(tmp_path, also="tests/secret.py"))


def test_a_wheel_without_the_page_of_a_command_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources, wheel = made(tmp_path)
    monkeypatch.setattr(man_pages, "pages", lambda: [("convoy-new", "")])

    with pytest.raises(SystemExit, match=r"missing .*share/man/man1/convoy-new\.1"):
        dist.look_into(sources, wheel)


def test_each_command_has_a_page_with_its_options_and_examples() -> None:
    pages = dict(man_pages.pages())

    assert {f"convoy-{name}" for name in COMMANDS} | {"convoy", "convoy-server-start"} <= pages.keys()
    assert [name for name, text in pages.items() if name.count("-") == 1 and "Examples:" not in text] == [
        "convoy-server"
    ]
    assert "\\-\\-concurrency" in pages["convoy-work"]
    assert "--" not in "".join(pages.values())


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed (Debian's package groff-base)")
def test_groff_finds_no_fault_in_any_page(tmp_path: Path) -> None:
    files = man_pages.write(tmp_path)

    shown = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", *map(str, files)], capture_output=True, text=True, check=False, timeout=60
    )

    assert (shown.returncode, shown.stderr) == (0, "")


def test_metadata_that_no_index_would_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExceptionGroup, match="metadata"):
        dist.look_into(*made(tmp_path, metadata=METADATA.replace("0.0.0", "new")))


def test_the_matrix_has_each_python_that_the_project_names_and_both_ends_of_redis_py() -> None:
    project = tomllib.loads((dist.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    mark = "Programming Language :: Python :: 3."

    named = {each.removeprefix(mark[:-2]) for each in project["classifiers"] if each.startswith(mark)}

    assert {*matrix.PYTHONS} == named
    assert [each.name for each in matrix.combinations()] == [*matrix.PYTHONS, "redis-lowest", "redis-newest"]
    assert any(each.startswith(f"redis[hiredis]>={matrix.redis_range()[0]}") for each in project["dependencies"])


def test_the_matrix_finds_this_python_and_says_which_ones_are_not_installed(capsys: pytest.CaptureFixture[str]) -> None:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert matrix.find_python("9.9") is None
    found = matrix.find_python(here)

    assert found is None or Path(found).exists()
    assert matrix.result(matrix.Combination("9.9", None), matrix.options([])).startswith("not tried: no Python 9.9")
    assert capsys.readouterr().out == ""


def test_the_quick_tests_are_there() -> None:
    assert [path for path in matrix.QUICK if not (dist.ROOT / path).exists()] == []
