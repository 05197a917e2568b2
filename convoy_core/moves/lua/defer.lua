-- defer: processing -> delayed, queued
-- keys: committed delayed
-- with: ownership rerun totals
local function defer(id, delay)
  leave_processing({ id })
  count('deferred', 1)
  local _, again = queue_reruns({ id })
  if again == 1 then return end
  call('SADD', committed, id)
  put('ZADD', delayed, now + delay, id)
end
