-- fail_for_good: an ID has failed for good; as redis-convoy, it leaves `committed`, its score in `failed` grows, the day's log gets a line
-- keys: committed failed published attempts failures crashes failure errorLog
-- with: totals

-- A script that fails an ID for good, or logs an error, checks the type of this key before its first write.
local function todays_log()
  local seconds = math.floor(now / 1000)
  return errorLog .. '.' .. string.format('%d', seconds - seconds % 86400)
end

-- Limits, so that errors cannot fill the store: the lines of a day's log, the bytes of a line, and those of a record.
local MAX_LINES, MAX_LINE, MAX_RECORD = 10000, 1024, 4096

-- At most `n` bytes of a text, cut between characters.
local function cut(text, n)
  if #text <= n then return text end
  while n > 0 and math.floor(string.byte(text, n + 1) / 64) == 2 do n = n - 1 end
  return string.sub(text, 1, n)
end

-- `record` is a JSON object without `at`, which the store's clock supplies.
local function remember_failure(id, message, record)
  if #record > MAX_RECORD then record = cjson.encode({ error = cut(message, MAX_LINE / 2) }) end
  put('HSET', failure, id, '{"at":' .. string.format('%.3f', now / 1000) .. ',' .. string.sub(record, 2))
end

local function log_error(message)
  local log = todays_log()
  local n = call('LPUSH', log, cut(message, MAX_LINE))
  -- A user without the permission to trim must not get an error here, in the middle of a move.
  if n > MAX_LINES then redis.pcall('LTRIM', log, 0, MAX_LINES - 1) end
  call('EXPIRE', log, 86400)
end

local function fail_for_good(id, message, record)
  local before = math.max(whole(call('HGET', failures, id)), whole(call('ZSCORE', failed, id)))
  call('SREM', committed, id)
  put('ZADD', failed, before + 1, id)
  for _, hash in ipairs({ published, attempts, failures, crashes }) do drop_all(hash, { id }) end
  remember_failure(id, message, record)
  log_error(message)
  count('failed', 1)
end
