-- The head of every script. ARGV[1] is a test's clock in Unix ms, or empty for the store's clock.
local call = redis.call
local now = tonumber(ARGV[1])
if not now then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The keys that exist: recorded by the check of their types, at the head of every script, and by the writes.
local present = {}
