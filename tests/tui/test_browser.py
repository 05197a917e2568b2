"""The dashboard in a real browser: Debian's Chromium, without a window."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from convoy_core import Fleet
from tests.servers import RealServer
from tests.tui import chromium
from tests.tui.served import Served

pytestmark = pytest.mark.skipif(
    chromium.BINARY is None,
    reason="needs Chromium (apt-get install chromium); test_serve*.py try the rest without",
)

KNOCK = """
new Promise(done => {
    const socket = new WebSocket("%s/ws");
    socket.onopen = () => done("let in");
    socket.onerror = () => done("refused");
})
"""


@asynccontextmanager
async def another_page() -> AsyncIterator[int]:
    """The port of a page of somebody else on this machine: another origin, yet the same site, so that cookies come."""
    runner = web.AppRunner(web.Application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def test_s22_s27_in_a_browser_one_sees_and_publishes_another_page_cannot_and_nobody_starts_workers(
    store: RealServer, tmp_path: Path
) -> None:
    with Fleet(redis=store.url) as fleet, Served(store.url, "--write") as served:
        trucks = fleet.queue("trucks")
        trucks.publish_many(range(3))
        async with chromium.started(tmp_path) as page, another_page() as port:
            await page.open(served.link)
            await page.shows("NO WORKERS trucks")
            await page.type("N")
            await page.shows("To the queue")
            await page.type("mars")
            await page.shows("publish -- trucks mars")  # each letter is checked; this was the last
            await page.press_with_ctrl("s")
            await page.shows("Published 1 to trucks.")
            picture = await page.picture()
            await page.type("WW")
            await page.shows("No workers from a browser: they would end with its tab.")
            asked = page.asked_for()

            knock = KNOCK % served.origin.replace("http", "ws")
            own = await page.value(knock)
            await page.open(f"http://127.0.0.1:{port}/")
            foreign = await page.value(knock)
            await page.open("data:text/html,")
            elsewhere = await page.value(knock)

    (tmp_path / "dashboard.png").write_bytes(picture)
    assert {url.partition("/static/")[0].partition("/?")[0].rstrip("/").partition("?")[0] for url in asked} == {
        served.origin,
        served.origin.replace("http", "ws") + "/ws",
    }, asked
    assert (own, foreign, elsewhere) == ("let in", "refused", "refused")
    assert trucks.show("mars").state == "queued"
