-- snapshot: many queues at one instant; for a queue that cannot be read, the reason instead of its numbers
-- each: queued committed processing failed delayed started owner workers published paused totals
-- with: damage owner_entry
-- args: ms after which a run counts as jammed
-- answer: now, then per queue a list: five counts, jammed, oldest start, published of the head, first due, live, silent, paused, totals
local limit = take_number()

-- The starts of the runs in a window of `processing` that are not in `started`: ours before their first heartbeat, and
-- Node's, whose start is the score. That is rounded down to the second, which must make no run of ours look older.
local function other_starts(q, window)
  local ids, starts = {}, {}
  for i = 1, #window, 2 do ids[#ids + 1] = window[i] end
  if #ids == 0 then return starts end
  local indexed, entries = call('ZMSCORE', q.started, unpack(ids)), call('HMGET', q.owner, unpack(ids))
  for i in ipairs(ids) do
    if not indexed[i] then starts[#starts + 1] = start_of(entries[i]) or tonumber(window[2 * i]) * 1000 end
  end
  return starts
end

local function count_jammed(q)
  local jammed = call('ZCOUNT', q.started, '-inf', now - limit)
  local old = call('ZRANGEBYSCORE', q.processing, '-inf', (now - limit) / 1000, 'WITHSCORES', 'LIMIT', 0, 500)
  for _, start in ipairs(other_starts(q, old)) do
    if start <= now - limit then jammed = jammed + 1 end
  end
  return jammed
end

-- The others are searched among the first 50. If none is there, the oldest run is an indexed one.
local function oldest_start(q)
  local oldest = tonumber(call('ZRANGE', q.started, 0, 0, 'WITHSCORES')[2] or '') or math.huge
  local window = call('ZRANGE', q.processing, 0, 49, 'WITHSCORES')
  for _, start in ipairs(other_starts(q, window)) do oldest = math.min(oldest, start) end
  return oldest < math.huge and string.format('%d', oldest)
end

local function read(q)
  local head = call('LINDEX', q.queued, 0)
  local live = call('ZCOUNT', q.workers, '(' .. string.format('%d', now), '+inf')
  return {
    call('LLEN', q.queued), call('SCARD', q.committed), call('ZCARD', q.processing), call('ZCARD', q.failed), call('ZCARD', q.delayed),
    count_jammed(q), oldest_start(q), head and call('HGET', q.published, head),
    call('ZRANGE', q.delayed, 0, 0, 'WITHSCORES')[2] or false,
    live, call('ZCARD', q.workers) - live, exists(q.paused) and 1 or 0, call('HGETALL', q.totals),
  }
end

local answer = { string.format('%d', now) }
for _, q in ipairs(groups) do
  local damage = damage_in(kinds_of(q))
  answer[#answer + 1] = damage and { damage } or read(q)
end
return answer
