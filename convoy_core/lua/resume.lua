-- resume: our workers claim again
-- keys: paused
return call('DEL', paused)
