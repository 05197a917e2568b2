-- publish: absent, failed -> queued, delayed
-- keys: committed delayed processing owner published payload rerun
-- proven: committed processing owner published totals
-- with: totals
-- args: delay ms, front, what is asked for known IDs (see publish_known), 1 for a dry run or the context of a traced publish,
--       payload or empty, ID...
-- answer: runs of equal answers, in order: word, how many, ...
local delay, front, asked, context, content = unpack(ARGV, 2, 6)
local ids = { unpack(ARGV, 7) }
local is_delayed, is_dry = tonumber(delay) > 0, context == '1'
local accepted = is_delayed and 'delayed' or 'queued'

-- The owner entry decides: a Node jam guard may have removed a running ID from the set.
-- Where nothing runs, many IDs are spared the question.
local may_run = #ids == 1 or call('EXISTS', owner, processing) > 0
local known, tokens = call('SMISMEMBER', committed, unpack(ids)), may_run and call('HMGET', owner, unpack(ids)) or {}
call('HGET', published, '') -- stops the script here, with nothing done, if that is of another type
present[published] = true
local words, fresh, seen, old, places, marked = {}, {}, {}, {}, {}, {}
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

local running, waiting = {}, {}
if #old > 0 then
  if may_run then running = call('ZMSCORE', processing, unpack(old)) end
  if exists(delayed) then waiting = call('ZMSCORE', delayed, unpack(old)) end
end
local sum
if not is_dry then
  sum = count('published', #fresh)
  count('refused', #ids - #fresh)
end
if #old > 0 then
  -- here: publish_known
end

if #fresh > 0 and not is_dry then
  if any_rare or content ~= '' then
    -- here: start_anew set_all
    start_anew(fresh)
    if content ~= '' then set_all(payload, fresh, content) end
  end
  local times, time = {}, string.format('%d', now)
  for i, id in ipairs(fresh) do times[2 * i - 1], times[2 * i] = id, time end
  call('HSET', published, unpack(times))
  if is_delayed then
    time = string.format('%d', now + delay)
    for i, id in ipairs(fresh) do times[2 * i - 1], times[2 * i] = time, id end
    call('SADD', committed, unpack(fresh))
    if present[rerun] then call('SREM', rerun, unpack(fresh)) end
    call('ZADD', delayed, unpack(times))
  else
    -- here: enqueue
    enqueue(fresh, front == '1')
  end
end

if #fresh < #ids and not is_dry then
  -- here: absorb
end
if #context > 1 then
  -- here: keep_traces
end
if present[recording] and not is_dry then
  -- here: record
  record('publish', accepted, fresh)
  local refused = {}
  for i, word in ipairs(words) do
    if word ~= accepted then
      refused[word] = refused[word] or {}
      table.insert(refused[word], ids[i])
    end
  end
  for word, some in pairs(refused) do record('refuse', word, some) end
end

-- If Node workers run our IDs and no pool of ours sweeps, nobody would remove our data. So every hundredth publish (`due` of
-- these were just passed) checks some of it, as soon as there is more than could be needed.
local due = sum and math.floor(sum / 100) - math.floor((sum - #fresh) / 100) or 0
if due > 0 and call('HLEN', published) > 2 * call('SCARD', committed) + 100 then
  -- here: tidy drawn
  tidy(draw(published, due * 300))
end

if #fresh == #ids then return { accepted, #ids } end
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
