"""The operating system beneath this process: streams, signals, descriptors, directories, programs of our own."""
