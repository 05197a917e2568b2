-- page: one page of a state
-- keys: queued delayed processing failed started owner published committed
-- args: state or 'committed', start, how many, bytes of an ID to show, IDs only
-- answer: now, total, next start or -1, row...; a row is ID, since or due, owner entry, failures, error; or the ID only
-- with: owner_entry ranked scanned failed_records
local state, start, limit, clip, bare = take(), take_number(), take_number(), take_number(), take() == '1'
local rows, total, following = {}, 0, nil

local function add(id, time, entry, number, message)
  local shown = string.sub(id, 1, clip)
  rows[#rows + 1] = bare and shown or { shown, time or false, entry or false, number or false, message or false }
end

local function error_of(record)
  local is_json, value = pcall(cjson.decode, record)
  if not is_json or type(value) ~= 'table' then return nil, nil end
  local line = type(value.error) == 'string' and string.match(value.error, '^[^\n]*') or ''
  return string.sub(line, 1, 500), type(value.at) == 'number' and tostring(value.at * 1000)
end

-- Node's runs, and ours before their first heartbeat, follow those in `started`: from there on the page goes by their rank
-- in `processing`, and leaves out what is in `started`. It looks at a limited number, so it may be short. Returns the rank to
-- go on at, or nil when nothing follows.
local MOST = 5000
local function others(indexed, first, n)
  local found, at, bytes, size = {}, first, BATCH_BYTES, FIRST
  while #found < n and at < total and bytes > 0 and at - first < MOST do
    local ids = call('ZRANGE', processing, at, at + size - 1)
    local known = indexed > 0 and call('ZMSCORE', started, unpack(ids)) or {}
    for i, id in ipairs(ids) do
      if #found == n or bytes <= 0 then break end
      at, bytes = at + 1, bytes - #id
      if not known[i] then found[#found + 1] = id end
    end
    size = math.min(2 * size, 500)
  end
  local is_last = at >= total or first == 0 and #found == total - indexed
  return found, not is_last and at or nil
end

local function add_others(ids)
  if bare then
    for _, id in ipairs(ids) do add(id) end
    return
  end
  if #ids == 0 then return end
  local entries, scores = call('HMGET', owner, unpack(ids)), call('ZMSCORE', processing, unpack(ids))
  for i, id in ipairs(ids) do add(id, string.format('%d', start_of(entries[i]) or scores[i] * 1000), entries[i]) end
end

local function add_processing()
  local indexed = call('ZCARD', started)
  local window, n, is_over = read_pieces(limit, 2, by_rank(started, start))
  local entries = n > 0 and not bare and call('HMGET', owner, unpack(every(2, window))) or {}
  for i = 1, n do add(window[2 * i - 1], window[2 * i], entries[i]) end
  following = start + n
  if is_over and indexed < total then
    local ids, at = others(indexed, math.max(0, start - indexed), limit - n)
    add_others(ids)
    following = at and indexed + at
  elseif following >= total then
    following = nil
  end
end

if state == 'queued' then
  total = call('LLEN', queued)
  local ids = read_pieces(limit, 1, by_index(queued, start))
  local times = #ids > 0 and not bare and call('HMGET', published, unpack(ids)) or {}
  for i, id in ipairs(ids) do add(id, times[i]) end
elseif state == 'delayed' then
  total = call('ZCARD', delayed)
  local window = read_pieces(limit, 2, by_rank(delayed, start))
  for i = 1, #window, 2 do add(window[i], window[i + 1]) end
elseif state == 'failed' then
  total = call('ZCARD', failed)
  local width = bare and 2 or 3
  local window = read_pieces(limit, width, bare and by_rank(failed, start) or failed_with_records(start))
  for i = 1, #window, width do
    local message, at
    if not bare then message, at = error_of(window[i + 2]) end
    add(window[i], at, nil, window[i + 1], message)
  end
elseif state == 'processing' then
  total = call('ZCARD', processing)
  add_processing()
else
  total = call('SCARD', committed)
  local ids, cursor = scan_pieces(limit, 1, start, function(from, n) return call('SSCAN', committed, from, 'COUNT', n) end)
  for _, id in ipairs(ids) do add(id) end
  following = cursor ~= '0' and cursor
end
if state ~= 'processing' and state ~= 'committed' then
  following = start + #rows < total and #rows > 0 and start + #rows
end
return { string.format('%d', now), total, tostring(following or -1), rows }
