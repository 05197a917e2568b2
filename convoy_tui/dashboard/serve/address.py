"""Under which names the web server answers, and the link to it."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from convoy_core import InvalidOption
from convoy_tui.text.address import HOST, Address, is_ip, is_loopback
from convoy_tui.text.safe_text import safe

PORT: Final = 8000
EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - the question is whether the user asks for it
"""All addresses of this machine."""


def answers_to(address: Address, host: str) -> bool:
    """Whether a request may ask for this host: not for a name that another's DNS has given to our address.

    An IP address needs no DNS, so it is nobody's name.
    """
    name = host_in(host)
    if address.is_loopback:
        return is_loopback(name)
    own = {address.host.lower(), "localhost"}
    if address.host in EVERYWHERE:
        own.add(socket.gethostname().lower())
    return name in own or is_ip(name)


def linked(address: Address) -> Address:
    """What a link names: this machine, if the server listens on all of its addresses."""
    return replace(address, host=socket.gethostname()) if address.host in EVERYWHERE else address


def read_origin(text: str) -> str:
    """The origin of `--serve-url`, like `https://convoy.example.com`. Raises InvalidOption."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    is_plain = parts.path in ("", "/") and not parts.query and not parts.fragment
    if parts.scheme not in ("http", "https") or not HOST.fullmatch(parts.netloc) or not is_plain:
        raise InvalidOption(
            f"--serve-url: {safe(repr(text), 60)} is no address of a server, like https://convoy.example.com."
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"


def host_in(header: str) -> str:
    """The host of a Host header without its port, in small letters; empty if it is none."""
    found = HOST.fullmatch(header)
    return found["host"].strip("[]").lower() if found else ""
