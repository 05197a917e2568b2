"""Which version of Convoy this is."""

VERSION = "0.1.0"
