-- bury: an ID has failed for good; as redis-convoy, it leaves `committed`, its score in `failed` grows, the day's log gets a line
-- keys: committed failed published attempts failures crashes failure errorLog

-- `record` is a JSON object without `at`, which the store's clock supplies.
local function remember_failure(id, record)
  call('HSET', failure, id, '{"at":' .. string.format('%.3f', now / 1000) .. ',' .. string.sub(record, 2))
end

local function log_error(message)
  local seconds = math.floor(now / 1000)
  local log = errorLog .. '.' .. string.format('%d', seconds - seconds % 86400)
  call('LPUSH', log, string.sub(message, 1, 4096))
  call('EXPIRE', log, 86400)
end

local function bury(id, message, record)
  local before = math.max(tonumber(call('HGET', failures, id) or 0), tonumber(call('ZSCORE', failed, id) or 0))
  call('SREM', committed, id)
  call('ZADD', failed, before + 1, id)
  for _, hash in ipairs({ published, attempts, failures, crashes }) do drop_all(hash, { id }) end
  remember_failure(id, record)
  log_error(message)
end
