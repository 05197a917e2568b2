-- page: one page of a state
-- keys: queued delayed processing failed started owner published failure committed
-- args: state or 'committed', start, how many, bytes of an ID to show
-- answer: now, total, next start or -1, row...; a row is ID, since or due, owner entry, failures, error
-- with: owner_entry
local state, start, limit, clip = take(), take_number(), take_number(), take_number()
local rows, total = {}, 0

local function add(id, time, entry, number, message)
  rows[#rows + 1] = { string.sub(id, 1, clip), time or false, entry or false, number or false, message or false }
end

local function scored(key, first, n)
  return call('ZRANGE', key, first, first + n - 1, 'WITHSCORES')
end

local function error_of(record)
  if not record then return nil, nil end
  local is_json, value = pcall(cjson.decode, record)
  if not is_json or type(value) ~= 'table' then return nil, nil end
  local line = type(value.error) == 'string' and string.match(value.error, '^[^\n]*') or ''
  return string.sub(line, 1, 500), type(value.at) == 'number' and tostring(value.at * 1000)
end

-- Node's runs, and ours before their first heartbeat, follow those in `started`. No heartbeat has changed their scores, so
-- these are in order, and the loop ends with the last of them.
local function others(skip, n)
  if not exists(started) then return call('ZRANGE', processing, skip, skip + n - 1) end
  local found, at, left = {}, 0, total - call('ZCARD', started)
  while #found < n and left > 0 and at < total do
    local ids = call('ZRANGE', processing, at, at + 499)
    if #ids == 0 then break end
    for i, indexed in ipairs(call('ZMSCORE', started, unpack(ids))) do
      if not indexed then
        left = left - 1
        if skip > 0 then skip = skip - 1 elseif #found < n then found[#found + 1] = ids[i] end
      end
    end
    at = at + #ids
  end
  return found
end

local function add_others(ids)
  if #ids == 0 then return end
  local entries, scores = call('HMGET', owner, unpack(ids)), call('ZMSCORE', processing, unpack(ids))
  for i, id in ipairs(ids) do add(id, string.format('%d', start_of(entries[i]) or scores[i] * 1000), entries[i]) end
end

local following
if state == 'queued' then
  total = call('LLEN', queued)
  local ids = call('LRANGE', queued, start, start + limit - 1)
  local times = #ids > 0 and call('HMGET', published, unpack(ids)) or {}
  for i, id in ipairs(ids) do add(id, times[i]) end
elseif state == 'delayed' then
  total = call('ZCARD', delayed)
  local window = scored(delayed, start, limit)
  for i = 1, #window, 2 do add(window[i], window[i + 1]) end
elseif state == 'failed' then
  total = call('ZCARD', failed)
  local window, ids = scored(failed, start, limit), {}
  for i = 1, #window, 2 do ids[#ids + 1] = window[i] end
  local records = #ids > 0 and call('HMGET', failure, unpack(ids)) or {}
  for i, id in ipairs(ids) do
    local message, at = error_of(records[i])
    add(id, at, nil, window[2 * i], message)
  end
elseif state == 'processing' then
  total = call('ZCARD', processing)
  local window, ids = scored(started, start, limit), {}
  for i = 1, #window, 2 do ids[#ids + 1] = window[i] end
  local entries = #ids > 0 and call('HMGET', owner, unpack(ids)) or {}
  for i, id in ipairs(ids) do add(id, window[2 * i], entries[i]) end
  if #ids < limit then add_others(others(math.max(0, start - call('ZCARD', started)), limit - #ids)) end
else
  total = call('SCARD', committed)
  local scan = call('SSCAN', committed, start, 'COUNT', limit)
  for _, id in ipairs(scan[2]) do add(id) end
  following = scan[1] == '0' and '-1' or scan[1]
end
if not following then following = start + #rows < total and #rows > 0 and tostring(start + #rows) or '-1' end
return { string.format('%d', now), total, following, rows }
