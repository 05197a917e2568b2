-- pools: the pools of many queues, each with the runs that it has held the longest; none of a queue where they cannot be read
-- each: workers worker barred started processing owner
-- with: owner_entry pieces
-- args: how many pools of a queue to describe, how many runs of a pool to tell, how many runs of a queue to look at
-- answer: now, then per queue a list: per pool described ID, lease end and fields; the IDs of the others; what bars workers from claiming;
--         per run ID, start and worker; of the first queues only, if those have used up this script's share of bytes
local most, told, looked = take_number(), take_number(), take_number()
local left, PIECE = 4 * BATCH_BYTES, 50

-- Looks at runs until each pool that has some by its record has told one. Those in `started` are the older ones; the others
-- are Node's, and those before their first heartbeat.
local function runs_of(q, waited_for)
  local found, per_pool, seen = {}, {}, 0

  local function tell(id, start, entry)
    local holder = entry and worker_of(entry)
    if not holder then return end
    waited_for[holder] = nil
    per_pool[holder] = (per_pool[holder] or 0) + 1
    if per_pool[holder] > told then return end
    found[#found + 1] = { id, start, holder }
    left = left - #id - #holder - 20
  end

  local function look(zset, is_new)
    local at = 0
    repeat
      local window = call('ZRANGE', zset, at, at + PIECE - 1, 'WITHSCORES')
      local ids = every(2, window)
      if #ids == 0 then return end
      local entries, known = call('HMGET', q.owner, unpack(ids)), is_new and call('ZMSCORE', q.started, unpack(ids)) or {}
      for i, id in ipairs(ids) do
        if not known[i] then tell(id, is_new and string.format('%d', start_of(entries[i]) or 0) or window[2 * i], entries[i]) end
      end
      at, seen, left = at + #ids, seen + #ids, left - 10 * #ids
    until #ids < PIECE or seen >= looked or next(waited_for) == nil
  end

  look(q.started, false)
  if next(waited_for) ~= nil and seen < looked then look(q.processing, true) end
  return found
end

local function read(q)
  local described, others, waited_for = {}, {}, {}
  for i, id in ipairs(call('ZRANGE', q.workers, 0, -1)) do
    if i > most then
      others[#others + 1] = id
    else
      local fields = call('HGETALL', q.worker .. ':' .. id)
      described[#described + 1] = { id, call('ZSCORE', q.workers, id), fields }
      for n = 1, #fields, 2 do
        left = left - #fields[n] - #fields[n + 1]
        if fields[n] == 'running' and whole(fields[n + 1]) > 0 then waited_for[id] = true end
      end
    end
  end
  local runs = #described > 0 and call('ZCARD', q.processing) > 0 and runs_of(q, waited_for) or {}
  return { described, others, call('HGETALL', q.barred), runs }
end

local answer = { string.format('%d', now) }
for i, q in ipairs(groups) do
  if left <= 0 and i > 1 then break end
  local is_read, found = pcall(read, q)
  answer[#answer + 1] = is_read and found or { {}, {}, {}, {} }
end
return answer
