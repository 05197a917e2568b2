-- snapshot: many queues at one instant; a queue that cannot be read answers with the reason in place of its numbers
-- each: queued committed processing failed delayed started workers published paused totals
-- args: ms after which a run counts as jammed
-- answer: now, then per queue a list: five counts, jammed, oldest start, published of the head, first due, live, silent, paused, totals
local limit = take_number()

-- Entries of Node's workers stand in `processing` only, with their start in seconds; ours have their true start in `started`.
local function count_jammed(q)
  local jammed = call('ZCOUNT', q.started, '-inf', now - limit)
  local old = call('ZRANGEBYSCORE', q.processing, '-inf', (now - limit) / 1000, 'LIMIT', 0, 500)
  if #old == 0 then return jammed end
  for _, start in ipairs(call('ZMSCORE', q.started, unpack(old))) do
    if not start then jammed = jammed + 1 end
  end
  return jammed
end

-- Ours are never shown older than they are, though their score is cut to the second: Node's first entry is sought among
-- the first 50, and where those are all ours, ours is the oldest.
local function oldest_start(q)
  local ours = call('ZRANGE', q.started, 0, 0, 'WITHSCORES')[2]
  local window, ids = call('ZRANGE', q.processing, 0, 49, 'WITHSCORES'), {}
  for i = 1, #window, 2 do ids[#ids + 1] = window[i] end
  local oldest = tonumber(ours or '') or math.huge
  for i, start in ipairs(#ids > 0 and call('ZMSCORE', q.started, unpack(ids)) or {}) do
    if not start then
      oldest = math.min(oldest, tonumber(window[2 * i]) * 1000)
      break
    end
  end
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
  local damage = damage_of(q)
  answer[#answer + 1] = damage and { damage } or read(q)
end
return answer
