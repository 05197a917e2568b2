"""The commands: one module each, or one for a pair. `lazy_group` loads them."""
