"""Index on change: many changes of one document are one run, and a change during a run is one more run.

from examples.reindex import documents
documents.publish("42", rerun=True)      # at each change

convoy work documents --handler examples.reindex:index --concurrency 4
"""

from __future__ import annotations

import logging

from convoy_core import Job, Queue

documents = Queue("documents")
"""It connects with the first publish."""

log = logging.getLogger(__name__)


def index(job: Job) -> None:
    """Read the document as it is now, and index that.

    With `rerun=True` a change that comes after the reading began is indexed by the run that follows, so that the index
    never stays behind. `job.requests` says how many changes this run stands for.
    """
    job.log.info("indexing, for %d changes", job.requests)
