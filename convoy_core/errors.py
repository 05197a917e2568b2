"""Every error Convoy raises, drawn here and then defined.

    ConvoyError
    ├── InvalidInput (also a ValueError)     refused before anything was sent
    │   ├── InvalidID
    │   ├── InvalidQueueName
    │   ├── InvalidPayload
    │   ├── InvalidOption
    │   └── InvalidURL
    ├── ReadOnly                             a write through a read-only queue; nothing was sent
    ├── NotKept                              what is to be discarded could not be saved first, and was not discarded
    ├── HandlerNotFound                      an import path that names no callable
    └── StoreError
        ├── StoreUnreachable                 refused, timed out or not found; nothing was applied
        ├── OutcomeUnknown                   the link broke after sending, or too few replicas confirmed
        ├── StoreRefused                     wrong password, missing permission, read-only replica; nothing was applied
        ├── StoreFull                        out of memory or disk; nothing was applied
        ├── StoreUnsafe                      it would lose IDs: it evicts keys when its memory is full
        ├── StoreDamaged                     a key holds the wrong type, or the schema is not ours; nothing was changed
        └── EmbeddedStoreError               the embedded server cannot be started or reached

A duplicate, an empty queue and a lost lease are not errors but returned values. No message ever holds a password.
"""

from __future__ import annotations


class ConvoyError(Exception):
    """The root of every error raised by Convoy."""


class InvalidInput(ConvoyError, ValueError):
    """An argument was refused before anything was sent."""


class InvalidID(InvalidInput):
    """A job ID is empty, too long or not text."""


class InvalidQueueName(InvalidInput):
    """A queue name is empty, too long or holds a character that is not allowed."""


class InvalidPayload(InvalidInput):
    """A payload is too large or cannot be written as JSON."""


class InvalidOption(InvalidInput):
    """A setting is out of its range, or two settings contradict each other."""


class InvalidURL(InvalidInput):
    """A store URL has an unknown scheme or cannot be read."""


class ReadOnly(ConvoyError):
    """A write was tried through a queue that was opened read-only."""


class NotKept(ConvoyError):
    """What is to be discarded could not be saved first, so it was not discarded."""


class HandlerNotFound(ConvoyError):
    """The import path of a handler does not lead to a callable."""


class StoreError(ConvoyError):
    """The store did not do what was asked."""

    word: str = ""
    """The first word of the store's own answer, like NOAUTH or OOM; nothing where it did not answer."""


class StoreUnreachable(StoreError):
    """The store does not answer; nothing was applied."""


class OutcomeUnknown(StoreError):
    """The connection broke after the request was sent, so the request may have been applied or not.

    Or it was applied, but too few replicas confirmed it (`wait_replicas`). Every operation is safe to repeat: a
    repeated publish answers ``ALREADY_QUEUED`` if the first was applied.
    """


class StoreRefused(StoreError):
    """The store answered, and refused: password, permission, or a replica that takes no writes."""


class StoreFull(StoreError):
    """The store has no room (memory or disk); nothing was applied."""


class StoreUnsafe(StoreError):
    """The store's settings may lose IDs, and `allow_eviction` is not set."""


class StoreDamaged(StoreError):
    """A key of the queue holds data that Convoy did not write; nothing was changed."""


class EmbeddedStoreError(StoreError):
    """The embedded store cannot be started, or its data directory cannot be used."""
