-- fail_for_good: an ID has failed for good; as redis-convoy, it leaves `committed`, its score in `failed` grows, the day's log gets a line
-- keys: committed failed published attempts failures crashes failure requests
-- with: totals todays_log

-- Limits, so that errors cannot fill the store: the lines of a day's log, the bytes of a line, and those of a record.
local MAX_LINES, MAX_LINE, MAX_RECORD = 10000, 1024, 4096

-- At most `n` bytes of a text, cut between characters.
local function cut(text, n)
  if #text <= n then return text end
  while n > 0 and math.floor(string.byte(text, n + 1) / 64) == 2 do n = n - 1 end
  return string.sub(text, 1, n)
end

-- The records are JSON objects without `at`, which the store's clock supplies.
local function remember_failures(ids, messages, records)
  local at, pairs_ = '{"at":' .. string.format('%.3f', now / 1000) .. ',', {}
  for i, id in ipairs(ids) do
    local record = records[i]
    if #record > MAX_RECORD then record = cjson.encode({ error = cut(messages[i], MAX_LINE / 2) }) end
    pairs_[2 * i - 1], pairs_[2 * i] = id, at .. string.sub(record, 2)
  end
  put('HSET', failure, unpack(pairs_))
end

local function log_errors(messages)
  local log, lines = todays_log(), {}
  for i, message in ipairs(messages) do lines[i] = cut(message, MAX_LINE) end
  local n = call('LPUSH', log, unpack(lines))
  -- A user without the permission to trim must not get an error here, in the middle of a move.
  if n > MAX_LINES then redis.pcall('LTRIM', log, 0, MAX_LINES - 1) end
  call('EXPIRE', log, 86400)
end

-- They become failed.
local function give_up(ids)
  if #ids == 0 then return end
  local known = exists(failures) and call('HMGET', failures, unpack(ids)) or {}
  local shown, scores = exists(failed) and call('ZMSCORE', failed, unpack(ids)) or {}, {}
  for i, id in ipairs(ids) do
    scores[2 * i - 1], scores[2 * i] = string.format('%d', whole(known[i]) + whole(shown[i]) + 1), id
  end
  call('SREM', committed, unpack(ids))
  put('ZADD', failed, unpack(scores))
  for _, hash in ipairs({ published, attempts, failures, crashes, requests }) do drop_all(hash, ids) end
end

local function fail_for_good(id, message, record)
  give_up({ id })
  remember_failures({ id }, { message }, { record })
  log_errors({ message })
  count('failed', 1)
end
