-- publish: absent, failed -> queued, delayed
-- keys: committed delayed processing owner failed published attempts failures crashes payload rerun failure
-- with: totals enqueue
-- args: delay ms, front, rerun, dry run, payload or empty, ID...
-- answer: runs of equal answers, in order: word, how many, ...
local delay, front, wants_rerun, dry = take_number(), take() == '1', take() == '1', take() == '1'
local content, ids = take(), take_rest()
local accepted = delay > 0 and 'delayed' or 'queued'

local words, fresh, old, seen = {}, {}, {}, {}
local known = call('SMISMEMBER', committed, unpack(ids))
-- The owner entry is the authority: a Node jam guard may have taken a running ID out of the set.
local tokens = exists(owner) and call('HMGET', owner, unpack(ids)) or {}
for i, id in ipairs(ids) do
  if known[i] == 1 or tokens[i] then
    old[#old + 1] = i
  elseif seen[id] then
    words[i] = 'already_' .. accepted
  else
    seen[id] = true
    fresh[#fresh + 1] = id
    words[i] = accepted
  end
end

local function ask_for_rerun(id)
  if dry then return end
  put('SADD', rerun, id)
  if content ~= '' then put('HSET', payload, id, content) end
end

if #old > 0 then
  local old_ids = {}
  for i, at in ipairs(old) do old_ids[i] = ids[at] end
  local running = call('ZMSCORE', processing, unpack(old_ids))
  local waiting = call('ZMSCORE', delayed, unpack(old_ids))
  for i, at in ipairs(old) do
    -- A Node worker knows no rerun marks, so none is promised for what it holds.
    if tokens[at] and wants_rerun then
      ask_for_rerun(ids[at])
      words[at] = 'will_rerun'
    elseif tokens[at] or running[i] then
      words[at] = 'processing'
    else
      words[at] = waiting[i] and 'already_delayed' or 'already_queued'
    end
  end
end

if #fresh > 0 and not dry then
  local absent, was_failed = fresh, {}
  if exists(failed) then
    absent = {}
    local scores = call('ZMSCORE', failed, unpack(fresh))
    for i, id in ipairs(fresh) do
      if scores[i] then
        was_failed[#was_failed + 1] = id
        put('HSET', failures, id, whole(scores[i]))
      else
        absent[#absent + 1] = id
      end
    end
    if #was_failed > 0 then call('ZREM', failed, unpack(was_failed)) end
  end
  -- What a Node client finished may have left our marks behind: an absent ID starts clean.
  drop_all(failures, absent)
  drop_all(failure, absent)
  drop_all(attempts, fresh)
  drop_all(crashes, fresh)
  if content ~= '' then set_all(payload, fresh, content) else drop_all(payload, fresh) end
  set_all(published, fresh, now)
  if delay > 0 then
    call('SADD', committed, unpack(fresh))
    if exists(rerun) then call('SREM', rerun, unpack(fresh)) end
    local due = {}
    for i, id in ipairs(fresh) do
      due[2 * i - 1] = now + delay
      due[2 * i] = id
    end
    put('ZADD', delayed, unpack(due))
  else
    enqueue(fresh, front)
  end
end
if not dry then
  count('published', #fresh)
  count('refused', #ids - #fresh)
end

local runs = {}
for _, word in ipairs(words) do
  if runs[#runs - 1] == word then
    runs[#runs] = runs[#runs] + 1
  else
    runs[#runs + 1] = word
    runs[#runs + 1] = 1
  end
end
return runs
