-- claim: queued, delayed -> processing
-- keys: queued committed processing owner workers worker delayed failed paused published attempts failures crashes payload rerun
-- with: totals claim_list

-- The state of a worker before it claims: its lease, the highest number of its claims, and the IDs handed over to it.
local function claimer_of(id)
  local record, own = worker .. ':' .. id, claim_list_of(id)
  return {
    id = id, record = record, own = own, lease = call('ZSCORE', workers, id),
    highest = call('HGET', record, 'number'), handed = call('LRANGE', own, 0, -1),
  }
end

-- IDs that were handed over to this worker come first, then the head of the list, as many as BATCH_BYTES allow. They are
-- popped in pieces that grow, since nothing tells how long they are. Returns whether the bytes have ended it.
local function take_ids(claimer, want)
  local ids = claimer.handed
  if #ids > want then
    return_claim_list(claimer.own, want)
    ids = call('LRANGE', claimer.own, 0, -1)
  end
  if #ids > 0 then call('DEL', claimer.own) end
  local size, bytes = 32, BATCH_BYTES
  while #ids < want do
    local asked = math.min(size, want - #ids)
    local some = call('LPOP', queued, asked) or {}
    for i, id in ipairs(some) do
      bytes = bytes - #id
      if bytes < 0 and #ids > 0 then
        for j = #some, i, -1 do call('LPUSH', queued, some[j]) end
        return ids, true
      end
      ids[#ids + 1] = id
    end
    if #some < asked then break end
    size = 2 * size
  end
  return ids, false
end

-- IDs that may run now. A copy of an ID that is running (by a Node race or a manual push) is removed: our worker will run
-- it again. A Node worker knows no rerun marks, so the copy is delayed instead. There are never two holders.
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
      -- A Node client may have queued an ID that was to run again: this run is that rerun.
      if exists(rerun) then call('SREM', rerun, id) end
      admitted[#admitted + 1] = id
    end
  end
  return admitted
end

-- Each ID gets its token and the start of its run. A small set or hash is a flat list, which the store walks for every ID. A
-- member of more than 64 bytes makes a tree or a table of it, which it remains until it is empty. So some claims bring such a
-- member and take it out at once: those that pay for it by themselves, and of the smaller ones one for every hundred IDs.
local function hold(ids, prefix, number)
  local long = (#ids >= 20 or (now + number) % 100 < #ids) and prefix .. string.rep('.', 65)
  -- Converted once: numbers would be converted to text for each ID.
  local seconds, start = string.format('%d', math.floor(now / 1000)), '@' .. string.format('%d', now)
  local scores, entries, at = {}, {}, 0
  if long then scores[1], scores[2], entries[1], entries[2], at = seconds, long, long, '', 2 end
  for i, id in ipairs(ids) do
    local to = at + 2 * i
    scores[to - 1], scores[to] = seconds, id
    entries[to - 1], entries[to] = id, prefix .. string.format('%d', number + i - 1) .. start
  end
  call('ZADD', processing, unpack(scores))
  if long then call('ZREM', processing, long) end
  call('HSET', owner, unpack(entries))
  if long then call('HDEL', owner, long) end
  count('adopted', call('SADD', committed, unpack(ids)))
  if not long then return end
  call('SADD', committed, long)
  call('SREM', committed, long)
  for _, hash in ipairs({ published, payload }) do
    if exists(hash) then
      call('HSET', hash, long, '')
      call('HDEL', hash, long)
    end
  end
end

local function column(hash, ids)
  return exists(hash) and call('HMGET', hash, unpack(ids)) or {}
end

-- Answers a word (`more` if it has ended by its bytes and not by `want`), the IDs, their attempts, failures, crashes and payloads (each empty or one per ID), and the suspects set apart.
-- The i-th ID's token is `<worker>:<number + i - 1>`.
local function claim_up_to(want, claimer, number, wait, suspects)
  local id = claimer.id
  if not claimer.lease then
    -- A late wait of this worker has handed IDs to its list, which nobody else reads.
    return_claim_list(claimer.own, 0)
    return { 'gone', {}, {}, {}, {}, {}, {} }
  end
  -- A request that arrives twice (a proxy, a retry), or late, must not claim under numbers whose answer nobody reads. So its
  -- numbers are used up, whatever the answer is.
  if want > 0 and number <= whole(claimer.highest) then return { 'repeated', {}, {}, {}, {}, {}, {} } end
  if want > 0 then call('HSET', claimer.record, 'number', string.format('%d', number + want - 1)) end
  if tonumber(claimer.lease) <= now then return { 'lapsed', {}, {}, {}, {}, {}, {} } end
  if exists(paused) then
    return_claim_list(claimer.own, 0)
    return { 'paused', {}, {}, {}, {}, {}, {} }
  end
  local word, ids, apart, payloads, is_cut = 'open', {}, {}, {}, false
  if not exists(crashes) then
    ids, is_cut = take_ids(claimer, want)
    ids = admit(ids, wait)
  else
    -- here: set_apart
    if want > 0 and take_named(suspects) then
      return_claim_list(claimer.own, 0)
      word, ids = 'alone', { suspects.named }
    else
      ids, is_cut = take_ids(claimer, want)
      word, ids, apart = choose(admit(ids, wait), suspects, wait)
    end
  end
  if exists(payload) then
    -- here: carried
    local fewer
    payloads, fewer = carry(ids)
    is_cut = is_cut or fewer
  end
  if is_cut and word == 'open' then word = 'more' end
  if #ids == 0 then return { word, {}, {}, {}, {}, {}, apart } end

  hold(ids, id .. ':', number)
  -- A Node publisher leaves the ID in `failed`. Its count of failures is kept until the run has ended.
  for i, score in ipairs(exists(failed) and call('ZMSCORE', failed, unpack(ids)) or {}) do
    if score then
      call('ZREM', failed, ids[i])
      put('HSET', failures, ids[i], whole(score))
    end
  end
  return { word, ids, column(attempts, ids), column(failures, ids), column(crashes, ids), payloads, apart }
end
