"""A formatter for the standard logging that writes each record as a line of JSON.

The members, of which only the first four are always there:

| member | what it is |
|---|---|
| `at` | when, in Unix seconds |
| `level` | `debug`, `info`, `warning`, `error` or `critical` |
| `logger` | who says it, like `convoy_core.worker.runs`; `convoy_core.job` is `Job.log` |
| `message` | the text |
| `queue`, `job_id`, `attempt`, `token` | the run that it is about |
| `error`, `traceback` | the exception that was logged with it |
"""

from __future__ import annotations

import json
import logging

from convoy_core.jobs import JOB_FIELDS, JOB_LOGGER

__all__ = ["JOB_LOGGER", "JSONFormatter"]


class JSONFormatter(logging.Formatter):
    """One record, one line, which holds nothing but ASCII: neither a terminal nor a pipe can misread it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a JSON object."""
        return json.dumps(self.members(record), default=str)

    def members(self, record: logging.LogRecord) -> dict[str, object]:
        """The same before it is written."""
        members: dict[str, object] = {
            "at": round(record.created, 6),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        members |= {name: getattr(record, name) for name in JOB_FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            members["error"] = f"{type(error).__name__}: {error}"
            members["traceback"] = self.formatException(record.exc_info)
        return members
