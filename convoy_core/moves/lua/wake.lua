-- wake: wakes a pool that waits since a limit was met
-- keys: wake

-- What is in its list, `wake:<worker>`, means nothing. What no pool takes must not wake one long after.
local WAKE_S = 5

-- `turn` is its field in `limits`. It may fail: a pool asks again in any case.
local function wake_pool(turn)
  local list = wake .. string.sub(turn, 5)
  if redis.pcall('LLEN', list) ~= 0 then return end
  call('RPUSH', list, '1')
  call('EXPIRE', list, WAKE_S)
end
