"""The only readers of stdin, and the only writers to stdout and stderr."""
