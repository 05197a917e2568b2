"""The operating system beneath this process: streams, signals, descriptors, directories, programs of our own.

The exported names are for `convoy` and `convoy-tui`. A user of the library needs none of them.
"""

from convoy_core.system.json_lines import Malformed, MessageReader, encode_message
from convoy_core.system.logs import lost_lines
from convoy_core.system.native_text import system_text
from convoy_core.system.python_program import own_program
from convoy_core.system.standard_streams import LossyStream, lossy_streams, prepare_streams
from convoy_core.system.version import installed_version

__all__ = [
    "LossyStream",
    "Malformed",
    "MessageReader",
    "encode_message",
    "installed_version",
    "lossy_streams",
    "lost_lines",
    "own_program",
    "prepare_streams",
    "system_text",
]
