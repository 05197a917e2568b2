-- snapshot: many queues, each at one instant; for a queue that cannot be read, the reason instead of its numbers
-- each: queued committed processing failed delayed started owner workers published paused about barred totals limits
-- with: damage owner_entry ranked bucket
-- args: ms after which a run counts as jammed
-- answer: now, then per queue a list: five counts, jammed, oldest start, published of the head, first due, live, silent, paused, totals, IDs that
--         workers of ours hold; what operators have said of it, and what bars workers; where it has limits, these four (see limits), and 1 if they hold IDs back;
--         of the first queues only, if looking at their entries has used up this script's share of bytes
local limit = take_number()
local left = BATCH_BYTES

-- Each entry that has to be looked at costs as much time as 250 bytes, and its ID.
local function spend(ids)
  for _, id in ipairs(ids) do left = left - #id - 250 end
end

-- The starts of the runs in a window of `processing` that are not in `started`: ours before their first heartbeat, and
-- Node's, whose start is the score. That is rounded down to the second, which must make no run of ours look older.
local function other_starts(q, window)
  local ids, starts = every(2, window), {}
  if #ids == 0 then return starts end
  spend(ids)
  local indexed, entries = call('ZMSCORE', q.started, unpack(ids)), call('HMGET', q.owner, unpack(ids))
  for i in ipairs(ids) do
    if not indexed[i] then starts[#starts + 1] = start_of(entries[i]) or tonumber(window[2 * i]) * 1000 end
  end
  return starts
end

local function count_jammed(q)
  local jammed, seconds = call('ZCOUNT', q.started, '-inf', now - limit), (now - limit) / 1000
  if call('ZCOUNT', q.processing, '-inf', seconds) == 0 then return jammed end
  local old = read_pieces(500, 2, by_rank(q.processing, 0, seconds))
  for _, start in ipairs(other_starts(q, old)) do
    if start <= now - limit then jammed = jammed + 1 end
  end
  return jammed
end

-- Another is searched among the first 50, if the first of them may be older than all that are indexed.
local function oldest_start(q)
  local oldest = tonumber(call('ZRANGE', q.started, 0, 0, 'WITHSCORES')[2] or '') or math.huge
  local first = tonumber(call('ZRANGE', q.processing, 0, 0, 'WITHSCORES')[2] or '') or math.huge
  if first * 1000 < oldest then
    local window = read_pieces(50, 2, by_rank(q.processing, 0, oldest < math.huge and oldest / 1000 or first))
    for _, start in ipairs(other_starts(q, window)) do oldest = math.min(oldest, start) end
  end
  return oldest < math.huge and string.format('%d', oldest)
end

-- What was set, and whether something waits that may not begin.
local function limits_of(q, n)
  local names, set = { 'concurrency', 'rate', 'period', 'burst', 'used', 'at' }, {}
  local found = call('HMGET', q.limits, unpack(names))
  for i, name in ipairs(names) do set[name] = whole(found[i]) end
  if set.concurrency + set.rate == 0 then return {} end
  local is_full = set.concurrency > 0 and call('HLEN', q.owner) >= set.concurrency
  local is_held_back = n.queued > 0 and (is_full or starts_left(bucket_of(set)) < 1)
  return { set.concurrency, set.rate, set.period, set.burst, is_held_back and 1 or 0 }
end

-- What is absent is not asked for any further. Each key has a command here that raises an error if it is of a wrong type.
local function read(q)
  local n = {
    queued = call('LLEN', q.queued), committed = call('SCARD', q.committed), processing = call('ZCARD', q.processing),
    failed = call('ZCARD', q.failed), delayed = call('ZCARD', q.delayed), started = call('ZCARD', q.started),
    workers = call('ZCARD', q.workers), held = call('HLEN', q.owner), ages = call('HLEN', q.published),
  }
  local is_paused, said, bars = false, false, false
  if call('EXISTS', q.paused, q.about, q.barred) > 0 then
    local kind = call('TYPE', q.paused).ok
    is_paused, said, bars = kind == 'string', call('HGETALL', q.about), call('HGETALL', q.barred)
    if not is_paused and kind ~= 'none' then error('damaged') end
  end
  local is_busy = n.processing + n.started > 0
  local head = n.queued > 0 and call('LINDEX', q.queued, 0)
  if head then spend({ head }) end
  local live = n.workers > 0 and call('ZCOUNT', q.workers, '(' .. string.format('%d', now), '+inf') or 0
  return {
    n.queued, n.committed, n.processing, n.failed, n.delayed,
    is_busy and count_jammed(q) or 0, is_busy and oldest_start(q), head and n.ages > 0 and call('HGET', q.published, head),
    n.delayed > 0 and call('ZRANGE', q.delayed, 0, 0, 'WITHSCORES')[2] or false,
    live, n.workers - live, is_paused and 1 or 0, call('HGETALL', q.totals), n.held, said, bars, unpack(limits_of(q, n)),
  }
end

local answer = { string.format('%d', now) }
for i, q in ipairs(groups) do
  if left <= 0 and i > 1 then break end
  local is_read, found = pcall(read, q)
  if not is_read then
    local damage = damage_in(kinds_of(q))
    if not damage then error(found) end
    found = { damage }
  end
  answer[#answer + 1] = found
end
return answer
