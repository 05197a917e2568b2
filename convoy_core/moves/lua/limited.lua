-- limited: how many runs may begin where the queue has limits, and whose turn it is where not all may
-- keys: limits queued owner
-- with: bucket wake

-- A pool none of whose runs may begin waits in line: the field `turn:<worker>` says since when. It sleeps for as long as it is
-- told, or until it is woken. Whoever has waited for this long goes first. Until then the pool whose run has ended begins the next,
-- which takes no further round trip.
local TURN_MS = 1000

local set, turns = read_limits()
local bucket, my_turn, line = bucket_of(set), 'turn:' .. me, {}
-- The store's clock may have been set back.
local since = math.min(now, turns[my_turn] or now)
for field, start in pairs(turns) do
  if field ~= my_turn then line[#line + 1] = { field = field, since = start } end
end
table.sort(line, function(a, b) return a.since < b.since or a.since == b.since and a.field < b.field end)

local places = (set.concurrency or 0) > 0 and math.max(0, set.concurrency - call('HLEN', owner)) or math.huge
local room, passed = math.min(places, starts_left(bucket)), {}
-- Of those that have waited long, and longer than this pool, each is left one run. That takes it out of the line: it may be dead.
while want > 0 and #passed < math.min(room, 500) and line[1] and line[1].since < math.min(since, now - TURN_MS) do
  passed[#passed + 1] = table.remove(line, 1).field
end
if #passed > 0 then call('HDEL', limits, unpack(passed)) end
local asked = want
want = math.min(want, room - #passed)

-- To be called once `begun` are about to begin, with how many were taken from the list, and with the word of the claim so far.
-- Returns the word, which is `limited` if more would be there: with the ms after which the pool is to ask again, or alone, if it
-- will be woken.
note_limit = function(begun, popped, word)
  local is_waiting = call('LLEN', queued) > 0
  local is_held_back = word == 'open' and is_waiting and want < asked and popped >= want
  if bucket and (begun > 0 or (set.at or 0) > now) then
    bucket.used = bucket.used + begun * bucket.period
    call('HSET', limits, 'used', string.format('%d', bucket.used), 'at', string.format('%d', now))
  end
  if is_held_back and begun == 0 then
    call('HSET', limits, my_turn, string.format('%d', since))
  elseif turns[my_turn] then
    call('HDEL', limits, my_turn)
  end
  -- Those that were left a run are woken for it, and then the others, in line, for what else may begin.
  for _, turn in ipairs(is_waiting and passed or {}) do wake_pool(turn) end
  for i = 1, is_waiting and math.min(room - begun - #passed, #line) or 0 do wake_pool(line[i].field) end
  if not is_held_back then return word end
  if places - begun - #passed <= 0 then return 'limited' end
  local ahead = #passed
  for _, other in ipairs(line) do
    if begun > 0 or other.since < since then ahead = ahead + 1 end
  end
  return 'limited ' .. string.format('%d', ms_until_start(bucket, ahead + 1))
end
