"""Addresses to listen at, as people write them: HOST:PORT."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from convoy_core import InvalidOption
from convoy_tui.text.safe_text import safe

LOOPBACK: Final = "127.0.0.1"
HOST: Final = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
"""A host with or without a port, as in a Host header; the brackets hold an IPv6 address."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def read_address(text: str, option: str, port: int) -> Address:
    """The address of an option: HOST:PORT, or one of both, or an empty text. Raises InvalidOption.

    >>> str(read_address("", "--listen", 9464)), str(read_address("9000", "--listen", 9464))
    ('127.0.0.1:9464', '127.0.0.1:9000')
    >>> str(read_address("::1", "--listen", 9464)), str(read_address("[::]:80", "--listen", 9464))
    ('[::1]:9464', '[::]:80')
    """
    if text.removeprefix(":").isdigit():
        text = f"{LOOPBACK}:{text.removeprefix(':')}"
    elif is_ip(text) and ":" in text:
        text = f"[{text}]"
    found = HOST.fullmatch(text or LOOPBACK)
    chosen = port if found is None or found["port"] is None else int(found["port"])
    if found is None or chosen > 65_535:
        example = f"{LOOPBACK}:{port}"
        raise InvalidOption(
            f"{option}: {safe(repr(text), 60)} is no HOST:PORT, like {example}; an IPv6 address needs brackets."
        )
    return Address(found["host"].strip("[]"), chosen)


def is_loopback(host: str) -> bool:
    """Whether it is this machine alone."""
    return host == "localhost" or (is_ip(host) and ipaddress.ip_address(host).is_loopback)


def is_ip(host: str) -> bool:
    """Whether it is an address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
