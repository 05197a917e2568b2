-- claim: queued -> processing
-- keys: queued committed processing owner workers worker delayed failed paused attempts failures crashes payload rerun
-- with: totals claim_list

-- Another copy of an ID that is running came out of the list (a Node race, a hand-made push). Ours will run it again;
-- Node's worker knows no rerun marks, so its copy waits for a while instead. Never two holders.
local function merge_copy(id, token, wait)
  if token then
    put('SADD', rerun, id)
  else
    put('ZADD', delayed, now + wait, id)
  end
  count('merged', 1)
end

-- What is known of a worker before it claims: its lease, the highest number it has claimed under, and what was handed over to it.
local function claimer_of(id)
  local record, own = worker .. ':' .. id, claim_list_of(id)
  return {
    id = id, record = record, own = own, lease = call('ZSCORE', workers, id),
    highest = call('HGET', record, 'number'), handed = call('LRANGE', own, 0, -1),
  }
end

-- What has been handed over to this worker comes first, then the head of the list.
local function take_ids(claimer, want)
  local ids = claimer.handed
  if #ids > want then
    return_claim_list(claimer.own, want)
    ids = call('LRANGE', claimer.own, 0, -1)
  end
  if #ids > 0 then call('DEL', claimer.own) end
  if #ids < want then
    for _, id in ipairs(call('LPOP', queued, want - #ids) or {}) do ids[#ids + 1] = id end
  end
  return ids
end

-- IDs that may run now; copies of running ones are merged away.
local function admit(ids, wait)
  local admitted, seen = {}, {}
  local running = call('ZMSCORE', processing, unpack(ids))
  local tokens = call('HMGET', owner, unpack(ids))
  for i, id in ipairs(ids) do
    if tokens[i] or running[i] or seen[id] then
      merge_copy(id, tokens[i] or seen[id], wait)
    else
      seen[id] = true
      -- A Node client may have queued what was to run again after another's run: this is that run.
      if exists(rerun) then call('SREM', rerun, id) end
      admitted[#admitted + 1] = id
    end
  end
  return admitted
end

-- A Node publisher leaves the ID in `failed`; its count is carried along until the run has ended.
local function carry_failures(ids)
  if not exists(failed) then return end
  for i, score in ipairs(call('ZMSCORE', failed, unpack(ids))) do
    if score then
      call('ZREM', failed, ids[i])
      put('HSET', failures, ids[i], whole(score))
    end
  end
end

-- After that many worker deaths an ID may be what killed them, so it runs with no bystanders (RELIABILITY F28).
local SUSPECT_CRASHES = 2

-- The IDs up to the first suspect, or that one by itself when its worker holds nothing else; whether there was one. What
-- follows goes back to the head of the list.
local function set_suspect_apart(ids, kept)
  if not exists(crashes) then return ids, false end
  local counts, admitted = call('HMGET', crashes, unpack(ids)), {}
  for i, id in ipairs(ids) do
    if whole(counts[i]) >= SUSPECT_CRASHES then
      if i == 1 and kept == 0 then admitted[1] = id end
      for j = #ids, #admitted + 1, -1 do call('LPUSH', queued, ids[j]) end
      return admitted, true
    end
    admitted[i] = id
  end
  return admitted, false
end

local function column(hash, ids)
  return exists(hash) and call('HMGET', hash, unpack(ids)) or {}
end

-- Answers a word, the IDs and, each empty or one per ID, their attempts, failures, crashes and payloads.
-- The i-th ID's token is `<worker>:<number + i - 1>`. `kept` is how many claims the worker keeps besides.
local function claim_up_to(want, claimer, number, wait, kept)
  local id = claimer.id
  if not claimer.lease then
    -- A wait of its that came late has handed something to a list that nobody else reads.
    return_claim_list(claimer.own, 0)
    return { 'gone', {}, {}, {}, {}, {} }
  end
  -- A request that arrives twice (a proxy, a retry), or late, must not claim under numbers whose answer nobody reads; so its
  -- numbers are spent whatever it is answered.
  if want > 0 and number <= whole(claimer.highest) then return { 'repeated', {}, {}, {}, {}, {} } end
  if want > 0 then call('HSET', claimer.record, 'number', string.format('%d', number + want - 1)) end
  if tonumber(claimer.lease) <= now then return { 'lapsed', {}, {}, {}, {}, {} } end
  if exists(paused) then
    return_claim_list(claimer.own, 0)
    return { 'paused', {}, {}, {}, {}, {} }
  end
  local ids = take_ids(claimer, want)
  local word, has_suspect = 'open', false
  if #ids > 0 then ids = admit(ids, wait) end
  if #ids > 0 then ids, has_suspect = set_suspect_apart(ids, kept) end
  if has_suspect then word = 'alone' end
  if #ids == 0 then return { word, {}, {}, {}, {}, {} } end

  -- Numbers would be written out anew for each.
  local seconds, prefix = string.format('%d', math.floor(now / 1000)), id .. ':'
  local start = '@' .. string.format('%d', now)
  local scores, entries = {}, {}
  for i, job in ipairs(ids) do
    scores[2 * i - 1], scores[2 * i] = seconds, job
    entries[2 * i - 1], entries[2 * i] = job, prefix .. string.format('%d', number + i - 1) .. start
  end
  call('ZADD', processing, unpack(scores))
  call('HSET', owner, unpack(entries))
  count('adopted', call('SADD', committed, unpack(ids)))
  carry_failures(ids)
  return { word, ids, column(attempts, ids), column(failures, ids), column(crashes, ids), column(payload, ids) }
end
