"""The operating system beneath this process: streams, signals, descriptors, directories, programs of our own.

The exported names are for `convoy` and `convoy-tui`. A user of the library needs none of them.
"""

from typing import TYPE_CHECKING, Final

from convoy_core.lazy_names import lazy_names

if TYPE_CHECKING:
    from convoy_core.system.json_lines import Malformed, MessageReader, encode_message
    from convoy_core.system.logs import lost_lines
    from convoy_core.system.native_text import system_text
    from convoy_core.system.python_program import own_program
    from convoy_core.system.standard_streams import LossyStream, lossy_streams, prepare_streams
    from convoy_core.system.user_directories import state_directory
    from convoy_core.system.version import VERSION

__all__ = [
    "VERSION",
    "LossyStream",
    "Malformed",
    "MessageReader",
    "encode_message",
    "lossy_streams",
    "lost_lines",
    "own_program",
    "prepare_streams",
    "state_directory",
    "system_text",
]

_HOMES: Final = {
    "convoy_core.system.json_lines": ("Malformed", "MessageReader", "encode_message"),
    "convoy_core.system.logs": ("lost_lines",),
    "convoy_core.system.native_text": ("system_text",),
    "convoy_core.system.python_program": ("own_program",),
    "convoy_core.system.standard_streams": ("LossyStream", "lossy_streams", "prepare_streams"),
    "convoy_core.system.user_directories": ("state_directory",),
    "convoy_core.system.version": ("VERSION",),
}
"""Where each name is defined; json and logging are loaded where they are used."""

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
