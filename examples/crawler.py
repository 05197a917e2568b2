"""A crawler: an ID is a URL, so no page waits or is fetched twice at the same time, however many pages link to it.

    convoy publish pages http://localhost:8000/
    CRAWLED=crawled.db convoy work pages --handler examples.crawler:fetch --concurrency 20 --retries 3

Convoy forgets an ID when it is done, so that it can be published again; what has been crawled is the crawler's own
knowledge, kept in SQLite.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.request import urlopen

from convoy_core import Discard, Job, Queue

SAME_SITE_ONLY = True


class Links(HTMLParser):
    """The targets of all links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link."""
        if tag == "a":
            self.found += [target for name, target in attrs if name == "href" and target]


def fetch(job: Job) -> Discard | None:
    """Fetch a page, note it, and publish what it links to, unless that has been crawled."""
    if urlsplit(job.id).scheme not in ("http", "https"):
        return Discard("no web page")
    with urlopen(job.id, timeout=20) as answer:  # noqa: S310 - its scheme has been looked at
        links = Links()
        links.feed(answer.read().decode("utf-8", "replace"))
    targets = {urldefrag(urljoin(job.id, target)).url for target in links.found}
    if SAME_SITE_ONLY:
        targets = {target for target in targets if urlsplit(target).netloc == urlsplit(job.id).netloc}
    with closing(sqlite3.connect(os.environ.get("CRAWLED", "crawled.db"), timeout=30)) as crawled, crawled:
        crawled.execute("CREATE TABLE IF NOT EXISTS pages (url TEXT PRIMARY KEY)")
        crawled.execute("INSERT OR IGNORE INTO pages VALUES (?)", [job.id])
        known = {url for (url,) in crawled.execute("SELECT url FROM pages")}
    with Queue(job.queue) as queue:
        queue.publish_many(sorted(targets - known))
    return None
