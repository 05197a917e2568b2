"""The commands, one module each or one for a pair; `main` registers them."""
