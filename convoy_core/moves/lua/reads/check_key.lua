-- check_key: a slice of one key, and which of its entries other keys contradict
-- keys: committed delayed processing started owner failed rerun published payload attempts failures crashes failure cancelling requests traces
-- with: scanned owner_entry silent
-- args: key, where to go on, how many to look at, Unix ms before which an ID must have been accepted, ms after a lease
-- answer: where to go on, '0' at the end; how many were looked at; (letter, ID)...: see check_ids, 'm' may be in the list
local name, cursor, limit, since, late = take(), take(), take_number(), take_number(), take_number()
local keys = {
  committed = committed, delayed = delayed, processing = processing, started = started, owner = owner, rerun = rerun,
  published = published, payload = payload, attempts = attempts, failures = failures, crashes = crashes, failure = failure,
  cancelling = cancelling, requests = requests, traces = traces,
}
local key = keys[name]
local kind = call('TYPE', key).ok
if kind == 'none' then return { '0', 0, {} } end

local width = kind == 'set' and 1 or 2
local function scan(from, n)
  if kind == 'set' then return call('SSCAN', key, from, 'COUNT', n) end
  if kind == 'zset' then return call('ZSCAN', key, from, 'COUNT', n) end
  return call('HSCAN', key, from, 'COUNT', n)
end
-- Payloads and records may be long. Some servers can leave them out.
if (name == 'payload' or name == 'failure') and not redis.pcall('HSCAN', key, '0', 'COUNT', 1, 'NOVALUES').err then
  width = 1
  function scan(from, n) return call('HSCAN', key, from, 'COUNT', n, 'NOVALUES') end
end
local entries
entries, cursor = scan_pieces(limit, width, cursor, scan)
local ids = every(width, entries)
if #ids == 0 then return { cursor, 0, {} } end

local found = {}
local function suspect(letter, id)
  found[#found + 1] = letter
  found[#found + 1] = id
end
local known, tokens = call('SMISMEMBER', committed, unpack(ids)), call('HMGET', owner, unpack(ids))
local running = call('ZMSCORE', processing, unpack(ids))

if name == 'committed' then
  local dues, times = call('ZMSCORE', delayed, unpack(ids)), call('HMGET', published, unpack(ids))
  for i, id in ipairs(ids) do
    local is_new = times[i] and whole(times[i]) >= since
    if not (dues[i] or running[i] or tokens[i] or is_new) then suspect('m', id) end
  end
elseif name == 'delayed' then
  for i, id in ipairs(ids) do
    if running[i] or tokens[i] then suspect('d', id) elseif known[i] == 0 then suspect('u', id) end
  end
elseif name == 'processing' then
  for i, id in ipairs(ids) do
    if known[i] == 0 then suspect('u', id) end
  end
elseif name == 'owner' then
  for i, id in ipairs(ids) do
    if is_silent(worker_of(tokens[i]), late) then
      suspect('o', id)
    else
      if not running[i] then suspect('l', id) end
      if known[i] == 0 then suspect('u', id) end
    end
  end
else
  local bad = (name == 'payload' or name == 'failure') and call('ZMSCORE', failed, unpack(ids)) or {}
  for i, id in ipairs(ids) do
    local is_kept = running[i] or tokens[i] or bad[i]
    if name == 'started' or name == 'cancelling' then is_kept = tokens[i] elseif name ~= 'rerun' then is_kept = is_kept or known[i] == 1 end
    if not is_kept then suspect('x', id) end
  end
end
return { cursor, #ids, found }
