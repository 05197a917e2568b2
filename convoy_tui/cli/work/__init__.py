"""`convoy work` behind its command: worker processes, their supervisor, and how they report."""
