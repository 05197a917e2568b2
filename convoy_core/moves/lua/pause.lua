-- pause: our workers stop claiming
-- flags: allow-oom
-- keys: paused
if exists(paused) then return 0 end
call('SET', paused, now)
return 1
