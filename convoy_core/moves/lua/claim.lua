-- claim: queued, delayed -> processing
-- keys: queued committed processing owner workers worker delayed failed paused attempts failures crashes payload rerun
-- with: totals claim_list

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

-- IDs that may run now. Another copy of an ID that is running (a Node race, a hand-made push) is merged away: ours will run
-- it again; Node's worker knows no rerun marks, so its copy waits for a while instead. Never two holders.
local function admit(ids, wait)
  if #ids == 0 then return ids end
  local admitted, seen = {}, {}
  local running = call('ZMSCORE', processing, unpack(ids))
  local tokens = call('HMGET', owner, unpack(ids))
  for i, id in ipairs(ids) do
    if tokens[i] or seen[id] then
      put('SADD', rerun, id)
      count('merged', 1)
    elseif running[i] then
      put('ZADD', delayed, now + wait, id)
      count('merged', 1)
    else
      seen[id] = true
      -- A Node client may have queued what was to run again after another's run: this is that run.
      if exists(rerun) then call('SREM', rerun, id) end
      admitted[#admitted + 1] = id
    end
  end
  return admitted
end

local function column(hash, ids)
  return exists(hash) and call('HMGET', hash, unpack(ids)) or {}
end

-- Answers a word, the IDs, each empty or one per ID their attempts, failures, crashes and payloads, and the suspects set apart.
-- The i-th ID's token is `<worker>:<number + i - 1>`.
local function claim_up_to(want, claimer, number, wait, suspects)
  local id = claimer.id
  if not claimer.lease then
    -- A wait of its that came late has handed something to a list that nobody else reads.
    return_claim_list(claimer.own, 0)
    return { 'gone', {}, {}, {}, {}, {}, {} }
  end
  -- A request that arrives twice (a proxy, a retry), or late, must not claim under numbers whose answer nobody reads; so its
  -- numbers are spent whatever it is answered.
  if want > 0 and number <= whole(claimer.highest) then return { 'repeated', {}, {}, {}, {}, {}, {} } end
  if want > 0 then call('HSET', claimer.record, 'number', string.format('%d', number + want - 1)) end
  if tonumber(claimer.lease) <= now then return { 'lapsed', {}, {}, {}, {}, {}, {} } end
  if exists(paused) then
    return_claim_list(claimer.own, 0)
    return { 'paused', {}, {}, {}, {}, {}, {} }
  end
  local word, ids, apart = 'open', {}, {}
  if not exists(crashes) then
    ids = admit(take_ids(claimer, want), wait)
  else
    -- here: set_apart
    if want > 0 and take_named(suspects) then
      return_claim_list(claimer.own, 0)
      word, ids = 'alone', { suspects.named }
    else
      word, ids, apart = choose(admit(take_ids(claimer, want), wait), suspects, wait)
    end
  end
  if #ids == 0 then return { word, {}, {}, {}, {}, {}, apart } end

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
  -- A Node publisher leaves the ID in `failed`; its count is carried along until the run has ended.
  for i, score in ipairs(exists(failed) and call('ZMSCORE', failed, unpack(ids)) or {}) do
    if score then
      call('ZREM', failed, ids[i])
      put('HSET', failures, ids[i], whole(score))
    end
  end
  return { word, ids, column(attempts, ids), column(failures, ids), column(crashes, ids), column(payload, ids), apart }
end
