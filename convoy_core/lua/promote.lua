-- promote: delayed -> queued
-- flags: allow-oom
-- keys: delayed processing
-- with: enqueue
-- args: how many at most, ms a copy of a running ID waits on
-- answer: how many moved, ms until the next is due or -1
local limit, wait = take_number(), take_number()
local due = call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, limit)
local ready = {}
if #due > 0 then
  local running = call('ZMSCORE', processing, unpack(due))
  for i, id in ipairs(due) do
    -- In both places: a copy that claim set aside while a Node worker runs the ID.
    if running[i] then put('ZADD', delayed, now + wait, id) else ready[#ready + 1] = id end
  end
end
enqueue(ready)
local following = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
return { #ready, following[2] and math.max(0, following[2] - now) or -1 }
