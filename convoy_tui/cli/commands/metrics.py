"""`convoy metrics`: the numbers of a store for Prometheus, printed once or served."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Annotated

import typer

from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.session import Session
from convoy_tui.cli.work.metrics import need_prometheus
from convoy_tui.text.address import Address, read_address

PORT = 9464
"""The usual one of exporters in the OpenTelemetry specification."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "metrics", panel="Look")(metrics)


Listen = Annotated[
    str | None,
    typer.Option(
        "--listen",
        metavar="HOST:PORT",
        help="Serve them at /metrics until Ctrl-C, each time anew.",
        show_default=False,
    ),
]


def metrics(session: Session, *, listen: Listen = None, jam_after: p.JamAfter = None) -> Code:
    """Print the numbers of all queues in the form of Prometheus, or serve them.

    One exporter is enough for a store. Each answer is one snapshot of all queues, and convoy_store_up is 0 while the
    store cannot be read. Without --listen they are printed once, as for the textfile collector of the node exporter.
    Needs the extra `metrics`.

    Examples:
      convoy metrics --listen 127.0.0.1:9464
      convoy metrics > /var/lib/node_exporter/convoy.prom
    """
    need_prometheus()
    session.out.refuse(Format.JSON, Format.JSONL, Format.IDS, because="Prometheus has a form of its own.")
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - the extra may be missing

    from convoy_core.metrics import MetricsServer, StoreCollector  # noqa: PLC0415 - as above

    limit = jam_after or session.settings.jam_after_s or 300.0
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StoreCollector(session.fleet, jam_after_s=limit))
    if listen is None:
        session.out.flush()
        sys.stdout.buffer.write(generate_latest(registry))  # which is UTF-8 in every locale
        session.out.flush()
        return Code.DONE
    address = read_address(listen, "--listen", PORT)
    with MetricsServer(registry, address.host, address.port) as server:
        is_over = threading.Event()
        # The first process of a container is deaf to signals that it does not handle.
        signal.signal(signal.SIGTERM, lambda _number, _frame: is_over.set())
        session.say_where()
        session.messages.note(f"http://{Address(address.host, server.port)}/metrics")
        is_over.wait()
    return Code.DONE
