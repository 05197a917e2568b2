"""What maintainers run beside the tests: the distribution, and the tests under other versions."""
