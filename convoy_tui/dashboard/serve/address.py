"""Where the web server listens, under which names it answers, and the link to it."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from convoy_core import InvalidOption
from convoy_tui.text.safe_text import safe

LOOPBACK: Final = "127.0.0.1"
PORT: Final = 8000
_HOST: Final = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
"""A host with or without a port, as in a Host header; the brackets hold an IPv6 address."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str = LOOPBACK
    port: int = PORT

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host == "localhost" or _is_loopback(self.host)

    @property
    def is_everywhere(self) -> bool:
        """Whether it is all addresses of this machine."""
        return self.host in ("0.0.0.0", "::")  # noqa: S104 - the question is whether the user asks for it

    def answers_to(self, host: str) -> bool:
        """Whether a request may ask for this host: not for a name that another's DNS has given to our address.

        An IP address needs no DNS, so it is nobody's name.
        """
        name = host_in(host)
        if self.is_loopback:
            return name == "localhost" or _is_loopback(name)
        own = {self.host.lower(), "localhost", *([socket.gethostname().lower()] if self.is_everywhere else [])}
        return name in own or _is_ip(name)

    def shown(self) -> str:
        """`HOST:PORT` for a link: by the name of this machine if it is everywhere."""
        host = socket.gethostname() if self.is_everywhere else self.host
        return f"{f'[{host}]' if ':' in host else host}:{self.port}"


def read_address(text: str) -> Address:
    """The address of `--serve`: HOST:PORT, or one of both, or an empty text. Raises InvalidOption."""
    if text.isdigit():
        text = f"{LOOPBACK}:{text}"
    elif _is_ip(text) and ":" in text:
        text = f"[{text}]"
    found = _HOST.fullmatch(text or LOOPBACK)
    port = PORT if found is None or found["port"] is None else int(found["port"])
    if found is None or port > 65_535:
        raise InvalidOption(
            f"--serve: {safe(repr(text), 60)} is no HOST:PORT, like 127.0.0.1:8000; an IPv6 address needs brackets."
        )
    return Address(found["host"].strip("[]"), port)


def read_origin(text: str) -> str:
    """The origin of `--serve-url`, like `https://convoy.example.com`. Raises InvalidOption."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    is_plain = parts.path in ("", "/") and not parts.query and not parts.fragment
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc) or not is_plain:
        raise InvalidOption(
            f"--serve-url: {safe(repr(text), 60)} is no address of a server, like https://convoy.example.com."
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"


def host_in(header: str) -> str:
    """The host of a Host header without its port, in small letters; empty if it is none."""
    found = _HOST.fullmatch(header)
    return found["host"].strip("[]").lower() if found else ""


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return _is_ip(host) and ipaddress.ip_address(host).is_loopback
