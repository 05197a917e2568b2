"""The embedded store: a server of the user's own, started when it is first needed."""
