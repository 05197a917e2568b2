"""Directories that are the user's alone, and that nobody else can put another in the place of.

Parents are judged as OpenSSH judges those of a user's keys: each belongs to the user or to root, and nobody else may
write to it. A sticky one, such as /tmp, will do: there nobody can move what belongs to another.
"""

from __future__ import annotations

import os
import shlex
import stat
import sys
from contextlib import suppress
from pathlib import Path

from convoy_core.errors import EmbeddedStoreError

if sys.platform != "win32":
    import grp
    import pwd


def make(directory: Path) -> None:
    """Make the directory and its missing parents, without access for others, whatever the umask.

    Raises OSError, and EmbeddedStoreError for a directory that is not safe, before anything is made in it.
    """
    for parent in _parents(directory):
        if not parent.exists():
            _make_one(parent)
        _refuse_swappable(parent)
    _make_one(directory)
    refuse_foreign(directory)


def check(directory: Path) -> None:
    """Raise EmbeddedStoreError for a directory that is there and not safe, and OSError."""
    if os.path.lexists(directory):
        for parent in _parents(directory):
            _refuse_swappable(parent)
        refuse_foreign(directory)


def refuse_foreign(directory: Path) -> None:
    """Raise EmbeddedStoreError for a directory of another user, or a link that could be pointed to one."""
    facts = directory.lstat()
    if stat.S_ISLNK(facts.st_mode):
        raise EmbeddedStoreError(
            f"{directory} is a symbolic link, which can be pointed elsewhere; use embedded: with the real path."
        )
    if facts.st_uid != os.geteuid():
        raise EmbeddedStoreError(
            f"{directory} belongs to another user (uid {facts.st_uid}); use embedded: with a path of your own."
        )


def refuse_open(directory: Path) -> None:
    """Raise EmbeddedStoreError for a directory that others may look into."""
    mode = stat.S_IMODE(directory.lstat().st_mode)
    if mode & 0o077:
        raise EmbeddedStoreError(
            f"{directory} is open to other users (mode {mode:o}); run: chmod 700 {shlex.quote(str(directory))}"
        )


def _parents(directory: Path) -> list[Path]:
    """From the root down, without links."""
    real = directory.parent.resolve()
    return [*reversed(real.parents), real]


def _make_one(directory: Path) -> None:
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        directory.chmod(0o700)  # some umasks take even ours


def _refuse_swappable(parent: Path) -> None:
    facts = parent.stat()
    mode = stat.S_IMODE(facts.st_mode)
    if facts.st_uid not in (0, os.geteuid()):
        raise EmbeddedStoreError(
            f"{parent} belongs to another user (uid {facts.st_uid}), who could replace the embedded store in it;"
            " use embedded: with a path of your own."
        )
    others = mode & stat.S_IWOTH or (mode & stat.S_IWGRP and not _is_own_group(facts.st_gid))
    if others and not mode & stat.S_ISVTX:
        raise EmbeddedStoreError(
            f"{parent} can be written to by other users (mode {mode:o}), who could replace the embedded store in it;"
            f" run: chmod go-w {shlex.quote(str(parent))}"
        )


def _is_own_group(gid: int) -> bool:
    """Whether it is the group that many systems give each user, named as the user and with nobody else in it."""
    if sys.platform == "win32":
        return False
    try:
        group, user = grp.getgrgid(gid), pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return False
    return group.gr_name == user and set(group.gr_mem) <= {user}
