"""`convoy show`: show everything about one ID."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, replace

import typer

from convoy_core import Details, Payload, State
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.commands.find import since_of
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.holders import Holders
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.output import Output
from convoy_tui.cli.io.styled import Styled
from convoy_tui.cli.missing import certain, is_known, way_out
from convoy_tui.cli.session import Session
from convoy_tui.text.publish_words import answer_words
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, clock, count, due_in, number

PAYLOAD_SHOWN = 2000

_UTC = "%Y-%m-%d %H:%M:%S UTC"


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "show", panel="Look")(show)


def show(session: Session, queue: p.QueueName, id: p.ID) -> Code:
    """Show everything about one ID.

    This is its state and since when, its position or its worker, its attempts, its last error, its payload, and the
    answer that publishing it now would give.

    Examples:
      convoy show trucks 42
      convoy show trucks 42 --json
    """
    target = session.queue(queue)
    details = certain(target, target.show(id))
    is_here = is_known(details)
    match session.out.format:
        case Format.JSON | Format.JSONL:
            session.out.document("convoy.show/1", record(details))
        case Format.IDS if is_here:
            session.out.ids([details.id])
        case Format.PLAIN if is_here:
            for label, value in facts(details):
                session.out.plain([label, value])
        case _ if is_here:
            _sheet(session.out, named(details, session.holders))
        case _:
            advice = (
                f"Publishing it now would {answer_words(details.publish_would)}; `convoy find` looks in every queue."
            )
            raise Ended(Code.NOT_FOUND, f"ID {id} is not in {queue}.", advice)
    if details.is_missing:
        session.messages.warn(way_out(target, details))
    return Code.DONE if is_here else Code.NOT_FOUND


def record(details: Details) -> dict[str, object]:
    """The JSON document. A payload that is bytes is in base64."""
    fields = asdict(details)
    if details.failure is not None:
        fields["failure"]["group"] = details.failure.group
    if isinstance(details.payload, bytes):
        fields |= {"payload": None, "payload_base64": base64.b64encode(details.payload).decode()}
    return {"queue": fields.pop("queue"), **fields, "is_missing": details.is_missing}


def facts(details: Details) -> list[tuple[str, str]]:
    """The facts as pairs of label and text, without those that do not apply."""
    lines: list[tuple[str, str | None]] = [
        ("id", details.id),
        ("queue", details.queue),
        ("state", _state(details)),
        ("position", _position(details)),
        ("published", _when(details.published, details.at)),
        ("started", _when(details.started, details.at)),
        ("due", _due(details)),
        ("holder", _holder(details)),
        ("token", details.token),
        ("attempt", number(details.attempt)),
        ("failures", number(details.failures) if details.failures else None),
        ("crashes", number(details.crashes) if details.crashes else None),
        ("cancelling", "its run has been asked to end" if details.cancelling else None),
        ("requests", _requests(details)),
        ("rerun", _rerun(details)),
        ("publishing", f"would {answer_words(details.publish_would)}"),
        ("payload", _payload(details.payload, details.payload_bytes)),
    ]
    lines += _failure(details)
    return [(label, value) for label, value in lines if value is not None]


def _state(details: Details) -> str:
    if details.is_missing:
        where = "among the failed, but not waiting" if details.state is State.FAILED else "in no list"
        return f"missing: committed and {where}, so that no publish is accepted and nothing runs it"
    since = since_of(details)
    return details.state if since is None else f"{details.state} for {age(max(0.0, details.at - since))}"


def _position(details: Details) -> str | None:
    if details.position is not None:
        return f"{number(details.position + 1)} in line"
    return "on its way to a worker, or far behind" if details.state is State.QUEUED else None


def _holder(details: Details) -> str | None:
    if details.state is not State.PROCESSING:
        return None
    if details.worker is None:
        return "a Node client, which has no lease"
    return f"{details.worker}, {'lease alive' if details.worker_is_live else 'silent: its lease ran out'}"


def _requests(details: Details) -> str | None:
    if details.requests < 2:
        return None
    since = _when(details.first_asked, details.at)
    return f"one run for {count(details.requests, 'publish', 'publishes')}" + (f", the first {since}" if since else "")


def _rerun(details: Details) -> str | None:
    if not details.rerun:
        return None
    n = details.rerun_requests
    return "runs once more after this run" + (f", for {count(n, 'publish', 'publishes')}" if n > 1 else "")


def _due(details: Details) -> str | None:
    if details.due is None:
        return None
    return f"{clock(details.due, _UTC)} ({due_in(details.due - details.at)})"


def _failure(details: Details) -> list[tuple[str, str | None]]:
    failure = details.failure
    if failure is None and details.state is State.FAILED:
        return [("last error", f"not kept by a Node worker; `convoy errors {details.queue}` has the log, without IDs")]
    if failure is None:
        return []
    run = [f"attempt {failure.attempt}" if failure.attempt else "", f"by {failure.worker}" if failure.worker else ""]
    run += [f"after {failure.seconds:.1f}s" if failure.seconds is not None else ""]
    return [
        ("last error", failure.error),
        ("group", f"{failure.group}  {failure.what}"),
        ("failed", _when(failure.at, details.at)),
        ("that run", ", ".join(part for part in run if part) or None),
        ("traceback", failure.traceback),
    ]


def _payload(payload: Payload, size: int | None) -> str | None:
    if size is None:
        return None
    text = payload.decode("utf-8", "surrogateescape") if isinstance(payload, bytes) else json.dumps(payload)
    cut = len(text) > PAYLOAD_SHOWN
    return f"{text[:PAYLOAD_SHOWN]} … ({count(size, 'byte')} in all; --json has them)" if cut else text


def _when(at: float | None, now: float) -> str | None:
    return None if at is None else f"{clock(at, _UTC)} ({age(max(0.0, now - at))} ago)"


def named(details: Details, holders: Holders) -> Details:
    """The same with workers as people know them."""
    failure = details.failure
    if failure is not None and failure.worker:
        failure = replace(failure, worker=holders.name(details.queue, failure.worker))
    worker = details.worker and holders.name(details.queue, details.worker)
    return replace(details, worker=worker, failure=failure)


def _sheet(out: Output, details: Details) -> None:
    """Print the facts with their labels in a column, and the traceback line by line."""
    for label, value in facts(details):
        head = Styled.of(f"{label:>11}  ", "dim")
        if label == "traceback":
            out.styled(head)
            for line in value.rstrip().split("\n"):
                out.styled(Styled.of(f"    {safe(line)}"))
        else:
            out.styled(head.append(safe(value), "bold" if label in ("id", "state") else ""))
