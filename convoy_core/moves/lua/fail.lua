-- fail: processing -> failed, delayed, queued
-- keys: delayed
-- with: ownership rerun fail_for_good totals

-- `retry` is the delay in ms before the next attempt, or nil when none is left.
local function fail(id, message, record, retry)
  leave_processing({ id })
  local _, again = queue_reruns({ id })
  if again == 0 and not retry then
    fail_for_good(id, message, record)
    return
  end
  add(failures, id, 1)
  remember_failure(id, message, record)
  log_error(message)
  if again == 0 then
    add(attempts, id, 1)
    call('SADD', committed, id)
    put('ZADD', delayed, now + retry, id)
    count('retried', 1)
  else
    count('failed', 1)
  end
end
