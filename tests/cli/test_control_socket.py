"""The socket between a worker process and its supervisor, whose end stops the pool."""

from __future__ import annotations

import socket
import threading

import pytest

from convoy_core import PoolState, PoolStatus
from convoy_core.system.json_lines import decode_message
from convoy_tui.cli.io.messages import LogLine
from convoy_tui.cli.work.control_socket import ControlSocket, Final, Report, decode
from convoy_tui.cli.work.progress import Progress
from tests.waiting import patient


@pytest.mark.parametrize("is_unread", [False, True], ids=["read", "unread"])
def test_the_pool_is_stopped_when_the_supervisor_goes(is_unread: bool) -> None:
    supervisor, worker = socket.socketpair()
    stopped = threading.Event()
    control_socket = ControlSocket(worker.detach())

    with control_socket.held(lambda: PoolStatus(PoolState.RUNNING, "ab"), stopped.set):
        control_socket.say(LogLine("unread, so that the end is a reset", is_warning=False))
        supervisor.recv(1, socket.MSG_PEEK if is_unread else 0)
        if not is_unread:
            supervisor.recv(65536)
        supervisor.close()

        assert stopped.wait(patient())
    control_socket.end(Final(0))


def test_all_output_and_the_last_status_arrive_before_the_end() -> None:
    supervisor, worker = socket.socketpair()
    control_socket = ControlSocket(worker.detach())

    with control_socket.held(lambda: PoolStatus(PoolState.STOPPED, "ab"), lambda: None):
        control_socket.say(LogLine("one", is_warning=True))
        control_socket.say(LogLine("two", is_warning=False))
    control_socket.end(Final(0))

    with supervisor, supervisor.makefile("rb") as lines:
        heard = [decode(decode_message(line)) for line in lines]
    assert [message for message in heard if isinstance(message, LogLine)] == [
        LogLine("one", True),
        LogLine("two", False),
    ]
    assert heard[-2:] == [Report("ab", Progress("stopped")), Final(0)]
