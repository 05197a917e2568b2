"""Reads a store URL: pure text in, an address out, or `InvalidURL` in one sentence.

No message made here quotes any part of a URL, since a password with a stray ``/`` or ``#`` can end up in any
part.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from convoy_core.errors import InvalidURL

DEFAULT_PORT: Final = 6379

EXAMPLES: Final = "redis://localhost:6379/0, rediss://host:6380, unix:///run/redis.sock or embedded:"
PERCENT_ENCODE: Final = "write / as %2F, ? as %3F, # as %23 and @ as %40 inside a user name or password"

_COMMON_OPTIONS: Final = frozenset({"db", "protocol"})
_TLS_OPTIONS: Final = frozenset(
    {"ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Login:
    """Who to log in as; both empty for nobody. The repr holds no password."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """The ``user:***@`` of a masked URL; empty when nobody logs in."""
        if self.username is None and self.password is None:
            return ""
        return f"{self.username or ''}:***@"


@dataclass(frozen=True, slots=True)
class Tls:
    """How to check the other side's certificate, and which one to show it. Paths are not opened here."""

    verify: bool = True
    check_hostname: bool = True
    ca_certs: str | None = None
    ca_path: str | None = None
    certfile: str | None = None
    keyfile: str | None = None


@dataclass(frozen=True, slots=True)
class Tcp:
    """A server on a host and port; encrypted where `tls` is set."""

    host: str
    port: int
    login: Login
    db: int
    protocol: int
    tls: Tls | None
    shown: str


@dataclass(frozen=True, slots=True)
class Unix:
    """A server on a socket file of this machine."""

    path: Path
    login: Login
    db: int
    protocol: int
    shown: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """The server that Convoy runs itself; no directory means the user's own data directory."""

    directory: Path | None

    @property
    def shown(self) -> str:
        """For people, since there is no host to name."""
        return f"embedded ({self.directory})" if self.directory else "embedded"


Address = Tcp | Unix | Embedded


def read(url: str) -> Address:
    """Turn a URL into an address, or raise `InvalidURL`; a relative embedded path is fixed to where we are now."""
    if re.search(r"[\x00-\x1f\x7f]", url):
        # urlsplit drops line breaks without a word, and would go to another host than the one that was
        # checked.
        raise InvalidURL("The store URL holds a line break or another control character; remove it.")
    scheme, colon, rest = url.partition(":")
    readers: dict[str, Callable[[], Address]] = {
        "embedded": lambda: _embedded(rest),
        "redis": lambda: _tcp(_split(url)),
        "rediss": lambda: _tcp(_split(url)),
        "unix": lambda: _unix(_split(url)),
    }
    scheme = scheme.lower()
    if colon and re.fullmatch(r"rediss?\+(sentinel|cluster)", scheme):
        kind = scheme.partition("+")[2].capitalize()
        raise InvalidURL(f"This release does not connect to {kind} yet; give the URL of one server, like {EXAMPLES}.")
    if not colon or scheme not in readers:
        raise InvalidURL(f"The store URL starts with no known scheme; write one like {EXAMPLES}.")
    return readers[scheme]()


def _embedded(path: str) -> Embedded:
    if not path:
        return Embedded(None)
    if re.match(r"//(?!/)", path):
        raise InvalidURL("An embedded store has no host; write embedded:/path/to/directory, or embedded: alone.")
    directory = Path(os.path.expanduser(re.sub("^/+", "/", path)))  # noqa: PTH111 - the method raises for unknown users
    if directory.parts[0].startswith("~"):
        raise InvalidURL("The embedded store's path starts with ~ and a user this machine does not know; write it out.")
    return Embedded(Path.cwd() / directory)


def _tcp(parts: SplitResult) -> Tcp:
    _refuse_stray_login(parts)
    login = _login(parts)
    port = _port(parts)
    tls = parts.scheme == "rediss"
    options = _options(parts, _COMMON_OPTIONS | _TLS_OPTIONS if tls else _COMMON_OPTIONS)
    host = unquote(parts.hostname or "localhost")
    host_shown = f"[{host}]" if ":" in host else host
    return Tcp(
        host=host,
        port=port,
        login=login,
        db=_database(parts.path.strip("/"), options),
        protocol=_protocol(options),
        tls=_tls(options) if tls else None,
        shown=f"{parts.scheme}://{login.shown}{host_shown}:{port}{parts.path}",
    )


def _unix(parts: SplitResult) -> Unix:
    if parts.fragment or not parts.path.startswith("/") or parts.netloc.rpartition("@")[2]:
        raise InvalidURL(
            "A unix URL takes an absolute path, as in unix:///run/redis.sock or unix://user:password@/run/redis.sock;"
            f" {PERCENT_ENCODE}, and # as %23 inside the path."
        )
    login = _login(parts)
    options = _options(parts, _COMMON_OPTIONS)
    return Unix(
        path=Path(unquote(parts.path)),
        login=login,
        db=_database("", options),
        protocol=_protocol(options),
        shown=f"unix://{login.shown}{parts.path}",
    )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.hostname  # noqa: B018 - reading it is what finds a broken IPv6 bracket
    except ValueError:
        parts = None
    # Raised out here, so that the caught error, whose text may quote a password, is not chained.
    if parts is None or not url.partition(":")[2].startswith("//"):
        raise InvalidURL(f"The store URL cannot be read; write one like {EXAMPLES}, and {PERCENT_ENCODE}.")
    return parts


def _refuse_stray_login(parts: SplitResult) -> None:
    """A raw ``/``, ``?`` or ``#`` in a password ends the host part early, and leaves the ``@`` behind it."""
    if "@" in parts.path + parts.query + parts.fragment or parts.netloc.count("@") > 1:
        raise InvalidURL(f"The user name or password in the store URL holds a reserved character; {PERCENT_ENCODE}.")
    if parts.fragment:
        raise InvalidURL(f"The store URL holds a #, which means nothing here; {PERCENT_ENCODE}.")


def _login(parts: SplitResult) -> Login:
    if parts.netloc.rpartition("@")[0].count("@"):
        raise InvalidURL(f"The user name or password in the store URL holds a reserved character; {PERCENT_ENCODE}.")
    if parts.username and parts.password is None:
        # Nearly always a password written where the user name goes, which would then be shown as a name.
        raise InvalidURL(
            "The store URL names a user without a password; write redis://:PASSWORD@host for a password"
            " alone, redis://USER:PASSWORD@host for both, or redis://USER:@host for a user that needs none."
        )
    return Login(unquote(parts.username or "") or None, unquote(parts.password or "") or None)


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise InvalidURL(
            f"The port in the store URL is no number from 1 to 65535; if it is part of a password, {PERCENT_ENCODE}."
        )
    return port or DEFAULT_PORT


def _options(parts: SplitResult, known: frozenset[str]) -> dict[str, str]:
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs) or not options.keys() <= known:
        raise InvalidURL(
            f"The part after the ? of this store URL may hold only {', '.join(sorted(known))}, each once"
            " (time limits and retries are Convoy's own)."
        )
    return options


def _database(path: str, options: dict[str, str]) -> int:
    if path and "db" in options:
        raise InvalidURL("The store URL names its database twice, in the path and as db=; leave one out.")
    number = path or options.get("db", "0")
    if not re.fullmatch(r"[0-9]{1,9}", number):
        raise InvalidURL("The database in the store URL is no whole number, as in redis://localhost:6379/0.")
    return int(number)


def _protocol(options: dict[str, str]) -> int:
    if options.get("protocol", "3") not in {"2", "3"}:
        raise InvalidURL("The protocol in the store URL must be 2 or 3.")
    return int(options.get("protocol", "3"))


def _tls(options: dict[str, str]) -> Tls:
    requirement = options.get("ssl_cert_reqs", "required")
    check_hostname = _FLAGS.get(options.get("ssl_check_hostname", "true").lower())
    if requirement not in {"required", "none"}:
        raise InvalidURL("ssl_cert_reqs in the store URL must be required or none.")
    if check_hostname is None:
        raise InvalidURL("ssl_check_hostname in the store URL must be true or false.")
    return Tls(
        verify=requirement == "required",
        check_hostname=check_hostname and requirement == "required",
        ca_certs=options.get("ssl_ca_certs"),
        ca_path=options.get("ssl_ca_path"),
        certfile=options.get("ssl_certfile"),
        keyfile=options.get("ssl_keyfile"),
    )
