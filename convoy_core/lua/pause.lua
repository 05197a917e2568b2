-- pause: our workers stop claiming
-- keys: paused
if exists(paused) then return 0 end
call('SET', paused, now)
return 1
