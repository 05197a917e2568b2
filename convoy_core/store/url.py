"""Reads a store URL: pure text in, an address out, or `InvalidURL` in one sentence.

No message made here quotes any part of a URL, since a password with a stray ``/`` or ``#`` can end up in any part.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from convoy_core.errors import InvalidURL
from convoy_core.store.address import Address, Cluster, Durability, Embedded, Login, Sentinel, Tcp, Tls, Unix

DEFAULT_PORT: Final = 6379

EXAMPLES: Final = "redis://localhost:6379/0, rediss://host:6380, unix:///run/redis.sock or embedded:"
SENTINEL_PORT: Final = 26379
SENTINEL_EXAMPLE: Final = "redis+sentinel://host1:26379,host2:26379/service"
CLUSTER_EXAMPLE: Final = "redis+cluster://host1:6379,host2:6379"
PERCENT_ENCODE: Final = "write / as %2F, ? as %3F, # as %23 and @ as %40 inside a user name or password"

_COMMON_OPTIONS: Final = frozenset({"db", "protocol"})
_TLS_OPTIONS: Final = frozenset(
    {"ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


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
        "redis+sentinel": lambda: _sentinel(url),
        "rediss+sentinel": lambda: _sentinel(url),
        "redis+cluster": lambda: _cluster(url),
        "rediss+cluster": lambda: _cluster(url),
    }
    scheme = scheme.lower()
    if not colon or scheme not in readers:
        raise InvalidURL(f"The store URL starts with no known scheme; write one like {EXAMPLES}.")
    return readers[scheme]()


def _embedded(rest: str) -> Embedded:
    path, mark, word = rest.partition("?durability=")  # a path may hold any other ?
    if mark and word not in {*Durability}:
        raise InvalidURL(f"The durability in the store URL must be {' or '.join(Durability)}.")
    durability = Durability(word) if mark else Durability.EVERYSEC
    if not path:
        return Embedded(None, durability)
    if re.match(r"//(?!/)", path):
        raise InvalidURL("An embedded store has no host; write embedded:/path/to/directory, or embedded: alone.")
    directory = Path(os.path.expanduser(re.sub("^/+", "/", path)))  # noqa: PTH111 - the method raises for unknown users
    if directory.parts[0].startswith("~"):
        raise InvalidURL("The embedded store's path starts with ~ and a user this machine does not know; write it out.")
    return Embedded(Path.cwd() / directory, durability)


def _sentinel(url: str) -> Sentinel:
    scheme, hosts, rest = _hosts(url)
    path, mark, query = rest.partition("?")
    service, _, db = path.removeprefix("/").partition("/")
    options = query.split("&")
    shares_login = "sentinel_login=yes" in options
    kept = "&".join(option for option in options if not re.fullmatch("sentinel_login=(yes|no)", option))
    servers = _servers(scheme, hosts, f"/{db}{mark}{kept}", SENTINEL_PORT)
    if not re.fullmatch(r"[A-Za-z0-9._-]+", service):
        raise InvalidURL(f"A Sentinel URL names the service after the hosts, as in {SENTINEL_EXAMPLE}.")
    shown = f"{_shown(scheme, 'sentinel', servers)}/{service}" + (f"/{db}" if db else "")
    return Sentinel(servers, service, shares_login, shown)


def _cluster(url: str) -> Cluster:
    scheme, hosts, rest = _hosts(url)
    servers = _servers(scheme, hosts, rest, DEFAULT_PORT)
    if servers[0].db:
        raise InvalidURL(f"A Cluster has no database but 0; write a URL like {CLUSTER_EXAMPLE}.")
    return Cluster(servers, _shown(scheme, "cluster", servers))


def _hosts(url: str) -> tuple[str, list[str], str]:
    """The scheme of one server; the hosts, each with the login before it; and what follows them."""
    scheme, _, rest = url.partition(":")
    found = re.fullmatch(r"//((?:[^/?#]*@)?)([^/?#]*)(.*)", rest)
    if found is None or not all(found[2].split(",")):
        raise InvalidURL(f"The hosts in the store URL cannot be read; write {SENTINEL_EXAMPLE} or {CLUSTER_EXAMPLE}.")
    return scheme.lower().partition("+")[0], [found[1] + host for host in found[2].split(",")], found[3]


def _servers(scheme: str, hosts: list[str], rest: str, default_port: int) -> tuple[Tcp, ...]:
    """Each host read as if it stood alone, which refuses in each what is refused in a single one."""
    return tuple(_tcp(_split(f"{scheme}://{host}{rest}"), default_port) for host in hosts)


def _shown(scheme: str, kind: str, servers: tuple[Tcp, ...]) -> str:
    return f"{scheme}+{kind}://{servers[0].login.shown}{','.join(server.place for server in servers)}"


def _tcp(parts: SplitResult, default_port: int = DEFAULT_PORT) -> Tcp:
    _refuse_stray_login(parts)
    login = _login(parts)
    port = _port(parts) or default_port
    tls = parts.scheme == "rediss"
    options = _options(parts, _COMMON_OPTIONS | _TLS_OPTIONS if tls else _COMMON_OPTIONS)
    host = unquote(parts.hostname or "localhost")
    tcp = Tcp(
        host=host,
        port=port,
        login=login,
        db=_database(parts.path.strip("/"), options),
        protocol=_protocol(options),
        tls=_tls(options) if tls else None,
        shown="",
    )
    return tcp._replace(shown=f"{parts.scheme}://{login.shown}{tcp.place}{parts.path}")


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


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise InvalidURL(
            f"The port in the store URL is no number from 1 to 65535; if it is part of a password, {PERCENT_ENCODE}."
        )
    return port


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
