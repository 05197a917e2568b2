"""Tools of the maintainers: the distribution, and the tests under other versions."""
