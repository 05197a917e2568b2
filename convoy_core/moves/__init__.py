"""What can be asked of a queue, as values: keys, scripts, arguments, and how to read the replies. No I/O."""
