"""The child process of an isolated handler: reads jobs from stdin, a line of JSON each; answers on its first stdout.

Its arguments are `package.module:function` and the parent's `sys.path`, which counts only once all of ours is loaded:
a file of the working directory may be the handler, never a part of this program.

The handler's own output goes to stderr, so that a `print` cannot corrupt the answers. When stdin ends, the parent has
ended; this process then ends too, even in the middle of a run, and another worker gets the ID.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from queue import SimpleQueue
from typing import Any, BinaryIO

from convoy_core.errors import HandlerNotFound, InvalidOption
from convoy_core.handlers.functions import Handler, check_handler, is_coroutine_handler, load_handler
from convoy_core.handlers.verdicts import checked, describe, trace
from convoy_core.jobs import Discard, Job, Retry
from convoy_core.system.json_lines import Malformed, Message, decode_message, encode_message
from convoy_core.system.standard_streams import lossy_streams, open_missing
from convoy_core.tracing import continued


def main(path: str, *places: str) -> None:
    """Serve until stdin ends."""
    sys.path[:] = places
    open_missing()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout, sys.stderr = lossy_streams(sys.stdout), lossy_streams(sys.stderr)
    requests = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    handler = _load(path, answers)
    jobs: SimpleQueue[Message] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests, jobs), daemon=True).start()
    _say(answers, {"ready": True, "coroutine": is_coroutine_handler(handler)})
    while True:
        record = jobs.get()
        _say(answers, {"began": record["number"]})
        _say(answers, _run(handler, Job.from_record(record)))


def _load(path: str, answers: BinaryIO) -> Handler:
    """The handler; the parent is told why there is none."""
    try:
        handler = load_handler(path)
        check_handler(handler)
    except BaseException as error:
        is_ours = isinstance(error, HandlerNotFound | InvalidOption)
        why = str(error) if is_ours else f"Importing it ended in {describe(error)}."
        _say(answers, {"unusable": why})
        raise
    return handler


def _say(answers: BinaryIO, word: Message) -> None:
    try:
        answers.write(encode_message(word))
        answers.flush()
    except BrokenPipeError:
        os._exit(0)  # the parent is gone; our stdin may tell so only later


def _listen(requests: BinaryIO, jobs: SimpleQueue[Message]) -> None:
    for job in map(decode_message, requests):
        if isinstance(job, Malformed):  # the parent died in the middle of it
            break
        jobs.put(job)
    os._exit(0)


def _run(handler: Handler, job: Job) -> Message:
    try:
        with continued(job.traceparent):
            answer: Any = handler(job)
            result = checked(asyncio.run(answer) if is_coroutine_handler(handler) else answer)
    except BaseException as error:  # noqa: BLE001 - the user's code: even SystemExit ends this ID alone
        return {"failed": describe(error), "traceback": trace(error)}
    match result:
        case Retry(after_s, reason):
            return {"retry": after_s, "reason": reason}
        case Discard(reason):
            return {"discard": reason}
        case None:
            return {"done": True}


if __name__ == "__main__":
    main(*sys.argv[1:])
