"""Which version of Convoy is installed."""

from __future__ import annotations


def installed_version() -> str | None:
    """The version of the distribution; None where Convoy is run from its sources."""
    from importlib import metadata  # noqa: PLC0415 - 20 ms that only who asks for a version should pay

    try:
        return metadata.version("convoy-queue")
    except metadata.PackageNotFoundError:
        return None
