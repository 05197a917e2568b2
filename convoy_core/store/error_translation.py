"""Turns what a transport raises into Convoy's errors: was it applied, why not, and what to do next.

Three questions, in this order. **Did the server answer?** Then its first word decides, by the table below,
and nothing was applied. **Was the command never sent?** The transports say so (`NotSent`); then nothing was
applied either. **Otherwise the outcome is unknown:** to say "unknown" of something that was not applied costs
a repeat, and the other mistake costs a job.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from convoy_core.errors import OutcomeUnknown, StoreDamaged, StoreError, StoreFull, StoreRefused, StoreUnreachable
from convoy_core.store.transport_errors import ErrorReply, NoPrimary, NotSent, ProtocolError, TransportError
from convoy_core.store.url import CLUSTER_EXAMPLE

if TYPE_CHECKING:
    import ssl

DAMAGED_WORD: Final = "CONVOY-DAMAGED"

# How an error inside a script is written: by Redis 6.2; and by Redis 7 and Valkey, whose newest leave the hash out.
_SCRIPT_BEFORE: Final = re.compile(r"^ERR Error running script \(call to \w+\): @user_script: ?\d+: -?", re.DOTALL)
_SCRIPT_AFTER: Final = re.compile(r" script: (?:\w+, )?on @?user_script:\d+\.?$", re.DOTALL)
_FORBIDDEN_IN_SCRIPT: Final = re.compile(r"ACL failure in script|user executing the script can't")

_LONGEST_QUOTE: Final = 200

# OpenSSL's numbers for a certificate that has expired, or was made for another host name or address.
_OTHER_NAME: Final = "Use the name that it was made for in the URL."
_CURES: Final = {10: "Renew it.", 62: _OTHER_NAME, 64: _OTHER_NAME}


class _Meaning(NamedTuple):
    """What a server's word means: our error, and a sentence in which {store} and {said} are filled in."""

    error: type[StoreError]
    sentence: str


_CLUSTER: Final = "{store} belongs to a Cluster. Give its URL, like " + CLUSTER_EXAMPLE + "."

# Behind a URL that names many servers these mean that one of them has just changed its part.
_MANY_SERVERS: Final = re.compile(r"rediss?\+(sentinel|cluster):")
_PASSING: Final = {"sentinel": {"READONLY": "UNBLOCKED"}, "cluster": {"MOVED": "TRYAGAIN", "ASK": "TRYAGAIN"}}

_MEANINGS: Final = {
    "NOAUTH": _Meaning(
        StoreRefused, "The store at {store} wants a password. Put it into the URL: redis://user:password@host."
    ),
    "WRONGPASS": _Meaning(
        StoreRefused, "The store at {store} refused the user name or password. Correct them in the URL."
    ),
    "DENIED": _Meaning(
        StoreRefused, "The store at {store} takes only local connections (protected mode). Give it a password."
    ),
    "READONLY": _Meaning(StoreRefused, "{store} is a replica and takes no writes. Give the URL of the primary."),
    "CROSSSLOT": _Meaning(StoreRefused, _CLUSTER),
    "MOVED": _Meaning(StoreRefused, _CLUSTER),
    "ASK": _Meaning(StoreRefused, _CLUSTER),
    "OOM": _Meaning(
        StoreFull, "The store at {store} is out of memory and took nothing. Drain queues, or raise its maxmemory."
    ),
    "MISCONF": _Meaning(StoreFull, "The store at {store} cannot save to its disk, and takes no writes: {said}"),
    "WRONGTYPE": _Meaning(StoreDamaged, "A key of the queue at {store} holds something of another type."),
    DAMAGED_WORD: _Meaning(StoreDamaged, "The queue at {store} is damaged: {said}"),
    "LOADING": _Meaning(
        StoreUnreachable, "The store at {store} is loading its data after a start. Try again in a moment."
    ),
    "BUSY": _Meaning(
        StoreUnreachable, "The store at {store} is busy with a long script. Try again, or stop it with SCRIPT KILL."
    ),
    "CLUSTERDOWN": _Meaning(
        StoreUnreachable, "The Cluster at {store} is down: {said} Try again when it has recovered."
    ),
    "MASTERDOWN": _Meaning(
        StoreUnreachable, "The replica at {store} has lost its primary. Try again, or use the primary's URL."
    ),
    "TRYAGAIN": _Meaning(
        StoreUnreachable, "The store at {store} is moving these keys to another node. Try again in a moment."
    ),
    "NOREPLICAS": _Meaning(
        StoreUnreachable, "The store at {store} has too few replicas to take writes. Bring them back, then try again."
    ),
    "UNBLOCKED": _Meaning(StoreUnreachable, "The store at {store} has just become a replica. Try again in a moment."),
}


def explain(error: TransportError | OSError | StoreError, store: str) -> StoreError:
    """Return the `StoreError` to raise in place of what a transport raised, met at `store` (masked).

    Chain with ``raise explain(...) from error``.
    """
    if isinstance(error, StoreError):
        return error
    is_sent = not isinstance(error, NotSent)
    reason = error.reason if isinstance(error, NotSent) else error
    if isinstance(reason, ErrorReply):
        explained = _explain_reply(str(reason), store)
        explained.word = _word_of(str(reason))
        return explained
    return _explain_silence(reason, store, is_sent=is_sent)


@contextmanager
def explained(store: str) -> Iterator[None]:
    """Have what is raised inside explained."""
    try:
        yield
    except (TransportError, OSError) as error:
        raise explain(error, store) from error


def is_out_of_reach(error: BaseException) -> bool:
    """Whether this explains that no connection could be opened."""
    return isinstance(error.__cause__, NotSent)


def _plain(text: str) -> str:
    return _SCRIPT_AFTER.sub("", _SCRIPT_BEFORE.sub("", text)).strip()


def _word_of(text: str) -> str:
    return _plain(text).partition(" ")[0]


def _explain_reply(text: str, store: str) -> StoreError:
    plain = _plain(text)
    if DAMAGED_WORD in plain:
        plain = plain[plain.index(DAMAGED_WORD) :]
    word, _, said = plain.partition(" ")
    kind = _MANY_SERVERS.match(store)
    word = _PASSING[kind[1]].get(word, word) if kind else word
    if (meaning := _MEANINGS.get(word)) is not None:
        return meaning.error(meaning.sentence.format(store=store, said=_quoted(said)))
    if word == "NOPERM" or _FORBIDDEN_IN_SCRIPT.search(plain):
        return StoreRefused(_forbidden(_quoted(plain), store))
    if "max number of clients" in plain:
        return StoreUnreachable(f"The store at {store} has no connection left. Close some, or raise its maxclients.")
    if plain != text.strip():
        return OutcomeUnknown(f"A script failed midway at {store}, and what it wrote before stays: {_quoted(said)}")
    return StoreRefused(_refusal(plain, store))


def _refusal(said: str, store: str) -> str:
    if "unknown command" in said.lower():
        # Its text goes on with the arguments, and those of HELLO and AUTH hold the password.
        return f"The store at {store} lacks a command. Convoy needs Redis 6.2 or Valkey 7.2, or newer."
    if "cluster support disabled" in said:
        return f"What is at {store} is no Cluster. Give a single server's URL, like redis://host:6379."
    return f"The store at {store} refused: {_quoted(said)}"


def _forbidden(said: str, store: str) -> str:
    user = re.search(r"\bUser (\S+) has", said)
    command = re.search(r"run the '([^']+)' command", said)
    who = f"User {user[1]}" if user else "The user"
    hint = "Grant it with ACL SETUSER, or log in as another user."
    if command:
        return f"{who} may not run '{command[1]}' at {store}. {hint}"
    act = "touch a key" if "key" in said else "run a command"  # Redis 7.0 does not name those in a script
    return f"{who} may not {act} that this needs at {store}; ACL LOG names it. {hint}"


def _explain_silence(error: Exception, store: str, *, is_sent: bool) -> StoreError:
    if isinstance(error, NoPrimary):
        return StoreUnreachable(
            f"No Sentinel of {store} names a primary that is up. Try again in a moment; if it stays so, check that"
            " they run, the service's name, and whether they want the login, too (?sentinel_login=yes)."
        )
    if not is_sent:
        return StoreUnreachable(_unreachable(error, store))
    what = "did not answer in time" if isinstance(error, TimeoutError) else "broke the connection before it answered"
    return OutcomeUnknown(
        f"The store at {store} {what}, so the request may or may not have been applied. It is safe to repeat."
    )


def _unreachable(error: Exception, store: str) -> str:
    import ssl  # noqa: PLC0415 - only who meets such an error needs it

    if isinstance(error, ssl.SSLCertVerificationError):
        cure = _CURES.get(error.verify_code, "Name its authority with ?ssl_ca_certs=.")
        return f"The certificate of {store} was refused: {error.verify_message.rstrip('.')}. {cure}"
    if isinstance(error, ssl.SSLError):
        return f"No TLS connection to {store}: {_quoted(_said_by_tls(error))} If it has no TLS, use redis://."
    if isinstance(error, socket.gaierror):
        return f"The host of {store} is not known. Check the name in the URL."
    if isinstance(error, TimeoutError):
        return f"No store answers at {store}: it timed out. Check that it runs, and any firewall between."
    if (number := _errno(error)) is not None and not isinstance(error, ConnectionResetError | BrokenPipeError):
        return f"No store answers at {store}: {os.strerror(number).lower()}. {_how_to_start(store)}"
    return _strange_answer(error, store)


def _said_by_tls(cause: ssl.SSLError) -> str:
    reason: str | None = getattr(cause, "reason", None)  # OpenSSL's word, where it has one
    return reason or str(cause)


def _strange_answer(error: Exception, store: str) -> str:
    if isinstance(error, ProtocolError):
        return f"What answers at {store} is no Redis. Check the port in the URL."
    if "No connection available" in str(error):
        return f"All connections of this process to {store} are in use. Try again, with fewer threads or tasks."
    return (
        f"What is at {store} closed the connection. Check the port, and if it wants TLS (rediss://) or not (redis://)."
    )


def _how_to_start(store: str) -> str:
    if store.startswith("embedded"):
        return "Run `convoy server start`."
    if _MANY_SERVERS.match(store):
        return "Try again in a moment, when another may have taken its slot."
    return "Start one, or give no address, to use the embedded store."


def _errno(cause: Exception) -> int | None:
    """The system's error number; asyncio puts several attempts, as for IPv6 and IPv4, into one text."""
    if isinstance(cause, OSError) and cause.errno in errno.errorcode:
        return cause.errno
    listed = re.search(r"\[Errno (\d+)\]", str(cause))
    return int(listed[1]) if listed else None


def _quoted(text: str) -> str:
    """A server's words as one sentence of bearable length, with nothing in it that moves a terminal's cursor."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    line = " ".join(line.split()).rstrip(".")
    return f"{line}." if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}…"
