-- resume: our workers claim again
-- flags: allow-oom
-- keys: paused
return call('DEL', paused)
