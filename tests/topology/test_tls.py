"""TLS (S11): a certificate counts only from a known authority, for the right host, and in its time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, aclosing, closing
from pathlib import Path

import pytest

from convoy_core import Fleet, Published, Queue, WorkerPool
from convoy_core.errors import StoreError, StoreUnreachable
from convoy_core.store.clients import Role, resolve
from convoy_core.store.error_translation import explain
from convoy_core.store.transport_errors import NotSent
from tests.certificates import Authority
from tests.servers import RealServer, SentinelServer, free_port, redis_binary
from tests.topology.test_faces import QUICK
from tests.waiting import eventually

Start = Callable[..., int]


@pytest.fixture
def start(authority: Authority) -> Iterator[Start]:
    """Start a Redis that speaks TLS on a port, with a certificate for a name; give the port."""
    with ExitStack() as stop:

        def begin(name: str, *settings: str, days: int = 2, signs_itself: bool = False) -> int:
            port = free_port()
            tls = authority.server(name, days=days, signs_itself=signs_itself)
            server = RealServer(_binary(), "--bind", "127.0.0.1", "--tls-port", str(port), *tls, *settings)
            stop.callback(server.stop)
            return port

        yield begin


def _binary() -> Path:
    binary = redis_binary()
    assert binary is not None
    return binary


def refusal(url: str) -> str:
    """Both clients must refuse the connection, for the same reason; the explanation."""
    store = resolve(url)
    with closing(store.transport(Role.COMMAND)) as one, pytest.raises(NotSent) as caught:
        one.send(("PING",))
    blocking = explain(caught.value, store.shown)

    async def ping() -> StoreError:
        async with aclosing(store.async_transport(Role.COMMAND)) as twin:
            with pytest.raises(NotSent) as awaited:
                await twin.send(("PING",))
        return explain(awaited.value, store.shown)

    assert str(asyncio.run(ping())) == str(blocking)
    assert type(blocking) is StoreUnreachable
    return str(blocking)


def test_s11_a_known_authority_and_the_right_host_are_enough(start: Start, authority: Authority) -> None:
    port = start("DNS:localhost")
    url = f"rediss://localhost:{port}?ssl_ca_certs={authority.file}"

    with Queue("q", redis=url) as queue:
        assert queue.publish("1") is Published.QUEUED
        with WorkerPool(queue, lambda _: None, options=QUICK):
            eventually(lambda: queue.counts().committed == 0)
    assert resolve(url).cautions == ()


def test_s11_an_unknown_authority_a_self_signed_a_wrong_and_an_expired_certificate_are_refused(
    start: Start, authority: Authority
) -> None:
    good, own, old = start("DNS:localhost"), start("DNS:localhost", signs_itself=True), start("DNS:localhost", days=-1)
    known = f"?ssl_ca_certs={authority.file}"

    # In between stands OpenSSL's own word for it, which differs a little from version to version.
    unknown = refusal(f"rediss://localhost:{good}")
    self_signed = refusal(f"rediss://localhost:{own}{known}")
    elsewhere = refusal(f"rediss://127.0.0.1:{good}{known}")
    expired = refusal(f"rediss://localhost:{old}{known}")

    assert unknown.startswith(f"The certificate of rediss://localhost:{good} was refused: ")
    assert unknown.endswith(". Name its authority with ?ssl_ca_certs=.")
    assert re.search(r"self.signed certificate\. Name its authority with \?ssl_ca_certs=\.$", self_signed)
    assert "IP address mismatch" in elsewhere
    assert elsewhere.endswith(". Use the name that it was made for in the URL.")
    assert expired.endswith("was refused: certificate has expired. Renew it.")


@pytest.mark.parametrize("option", ["ssl_cert_reqs=none", "ssl_check_hostname=no"])
def test_s11_a_check_is_switched_off_by_the_url_alone_and_said(start: Start, authority: Authority, option: str) -> None:
    port = start("DNS:elsewhere")
    url = f"rediss://127.0.0.1:{port}?ssl_ca_certs={authority.file}"

    assert "mismatch" in refusal(url)
    with Queue("q", redis=f"{url}&{option}") as queue:
        assert queue.publish("1") is Published.QUEUED
    (caution,) = resolve(f"{url}&{option}").cautions
    assert caution.startswith("The certificate" if "reqs" in option else "The host name in the certificate")
    assert caution.partition(" is not checked")[1]


def test_s11_plain_and_encrypted_mistaken_for_each_other_are_explained(start: Start) -> None:
    port = start("DNS:localhost")

    assert "if it wants TLS (rediss://) or not (redis://)" in refusal(f"redis://localhost:{port}")


def test_s11_a_cluster_is_reached_by_tls_and_each_node_checked(start: Start, authority: Authority) -> None:
    cluster = ("--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-announce-ip", "127.0.0.1")
    port = start("IP:127.0.0.1", *cluster, "--cluster-port", str(free_port()))
    url = f"rediss+cluster://127.0.0.1:{port}?ssl_ca_certs={authority.file}"
    with closing(resolve(url.replace("+cluster", "")).transport(Role.COMMAND)) as node:
        node.send(("CLUSTER", "ADDSLOTSRANGE", 0, 16383))
        eventually(lambda: b"cluster_state:ok" in node.send(("CLUSTER", "INFO")))

    with Fleet(redis=url) as fleet:
        assert fleet.queue("q").publish("1") is Published.QUEUED
        assert fleet.snapshot(["q", "r"])[0].counts.queued == 1
    assert "was refused" in refusal(f"rediss+cluster://127.0.0.1:{port}")


def test_s11_sentinels_and_the_primary_are_reached_by_tls_and_checked(start: Start, authority: Authority) -> None:
    port = start("IP:127.0.0.1")
    tls = authority.server("IP:127.0.0.1")
    lines = [f"{name.removeprefix('--')} {value}" for name, value in zip(tls[::2], tls[1::2], strict=True)]
    encrypted = free_port()
    sentinel = SentinelServer(
        _binary(), f"tls-port {encrypted}", "tls-replication yes", *lines, f"sentinel monitor main 127.0.0.1 {port} 1"
    )
    url = f"rediss+sentinel://127.0.0.1:{encrypted}/main"

    with Queue("q", redis=f"{url}?ssl_ca_certs={authority.file}") as queue:
        assert queue.publish("1") is Published.QUEUED
        assert queue.counts().queued == 1
    assert "No Sentinel of" in refusal(url)
    sentinel.stop()
