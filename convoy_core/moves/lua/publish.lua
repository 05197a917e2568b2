-- publish: absent, failed -> queued, delayed
-- keys: committed delayed processing owner failed published attempts failures crashes payload rerun failure
-- proven: committed processing totals
-- with: totals enqueue set_all
-- args: delay ms, front, rerun, dry run, payload or empty, ID...
-- answer: runs of equal answers, in order: word, how many, ...
local delay, front, wants_rerun, dry, content = take(5)
local ids = take_rest()
delay, front, wants_rerun, dry = tonumber(delay), front == '1', wants_rerun == '1', dry == '1'
local accepted = delay > 0 and 'delayed' or 'queued'

-- The owner entry decides: a Node jam guard may have removed a running ID from the set.
local known = call('SMISMEMBER', committed, unpack(ids))
local tokens = exists(owner) and call('HMGET', owner, unpack(ids)) or {}
local words, fresh, seen, old, places = {}, {}, {}, {}, {}
for i, id in ipairs(ids) do
  if known[i] == 1 or tokens[i] then
    old[#old + 1], places[#places + 1] = id, i
  elseif seen[id] then
    words[i] = 'already_' .. accepted
  else
    seen[id], words[i] = true, accepted
    fresh[#fresh + 1] = id
  end
end

local running, waiting
if #old > 0 then running, waiting = call('ZMSCORE', processing, unpack(old)), call('ZMSCORE', delayed, unpack(old)) end
local sum
if not dry then
  sum = count('published', #fresh)
  count('refused', #ids - #fresh)
end
for i, id in ipairs(old) do
  local token = tokens[places[i]]
  local word = waiting[i] and 'already_delayed' or 'already_queued'
  -- A Node worker knows no rerun marks: the sweep of one of our pools queues its ID again.
  if (token or running[i]) and wants_rerun then
    word = 'will_rerun'
    if not dry then
      put('SADD', rerun, id)
      if content ~= '' then put('HSET', payload, id, content) end
    end
  elseif token or running[i] then
    word = 'processing'
  end
  words[places[i]] = word
end

-- An ID that had failed keeps its count of failures. An ID that a Node client finished may still have data of ours, but an
-- absent ID must start without any.
local function start_anew()
  local absent, was_failed = {}, {}
  local scores = exists(failed) and call('ZMSCORE', failed, unpack(fresh)) or {}
  for i, id in ipairs(fresh) do
    if scores[i] then
      was_failed[#was_failed + 1] = id
      put('HSET', failures, id, whole(scores[i]))
    else
      absent[#absent + 1] = id
    end
  end
  if #was_failed > 0 then call('ZREM', failed, unpack(was_failed)) end
  drop_all(failures, absent)
  drop_all(failure, absent)
  drop_all(attempts, fresh)
  drop_all(crashes, fresh)
  drop_all(payload, fresh)
end

-- If Node workers run our IDs and no pool of ours sweeps, nobody would remove our data. So every hundredth publish (`due` of
-- these were just passed) checks some of it, as soon as there is more than could be needed.
local EVERY, LOOK_AT = 100, 300
local due = sum and math.floor(sum / EVERY) - math.floor((sum - #fresh) / EVERY) or 0

if #fresh > 0 and not dry then
  if any_rare then start_anew() end
  if content ~= '' then set_all(payload, fresh, content) end
  set_all(published, fresh, string.format('%d', now))
  if delay > 0 then
    call('SADD', committed, unpack(fresh))
    if exists(rerun) then call('SREM', rerun, unpack(fresh)) end
    local times = {}
    for i, id in ipairs(fresh) do times[2 * i - 1], times[2 * i] = now + delay, id end
    put('ZADD', delayed, unpack(times))
  else
    enqueue(fresh, front)
  end
end
if due > 0 and call('HLEN', published) > 2 * call('SCARD', committed) + EVERY then
  -- here: tidy drawn
  tidy(draw(published, due * LOOK_AT))
end

local runs = {}
for _, word in ipairs(words) do
  local n = #runs
  if runs[n - 1] == word then
    runs[n] = runs[n] + 1
  else
    runs[n + 1], runs[n + 2] = word, 1
  end
end
return runs
