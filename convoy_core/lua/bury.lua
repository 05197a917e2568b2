-- bury: an ID has failed for good; as redis-convoy, it leaves `committed`, its score in `failed` grows, the day's log gets a line
-- keys: committed failed published attempts failures crashes failure errorLog
-- with: totals

-- Whoever buries, or logs an error, has this checked before the first write.
local function todays_log()
  local seconds = math.floor(now / 1000)
  return errorLog .. '.' .. string.format('%d', seconds - seconds % 86400)
end

-- `record` is a JSON object without `at`, which the store's clock supplies.
local function remember_failure(id, record)
  put('HSET', failure, id, '{"at":' .. string.format('%.3f', now / 1000) .. ',' .. string.sub(record, 2))
end

local function log_error(message)
  local log = todays_log()
  call('LPUSH', log, string.sub(message, 1, 4096))
  call('EXPIRE', log, 86400)
end

local function bury(id, message, record)
  local before = math.max(whole(call('HGET', failures, id)), whole(call('ZSCORE', failed, id)))
  call('SREM', committed, id)
  put('ZADD', failed, before + 1, id)
  for _, hash in ipairs({ published, attempts, failures, crashes }) do drop_all(hash, { id }) end
  remember_failure(id, record)
  log_error(message)
  count('failed', 1)
end
