"""The `convoy` command line: stdout is the answer, stderr is for messages."""
