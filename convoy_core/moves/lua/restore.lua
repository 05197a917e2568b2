-- restore: absent -> queued, delayed, failed
-- keys: committed delayed processing owner failed published attempts failures crashes payload failure rerun requests traces
-- with: totals enqueue start_anew
-- args: dry run, (state, ID, Unix ms when it is due, when it was published or empty, attempts, failures, crashes, payload or empty,
--       record or empty, requests as an entry or empty, traces as an entry or empty)...
-- answer: a letter per ID: q, d or f for the state that it was put into, p if it is there already, in whatever state
local WIDTH = 11
local is_dry, ids = take() == '1', {}
for at = 4, #ARGV, WIDTH do ids[#ids + 1] = ARGV[at] end
local known, tokens = call('SMISMEMBER', committed, unpack(ids)), call('HMGET', owner, unpack(ids))
local running, dues = call('ZMSCORE', processing, unpack(ids)), call('ZMSCORE', delayed, unpack(ids))
local bad = call('ZMSCORE', failed, unpack(ids))

local letters, seen, fresh, waiting, later, times, lost, over = {}, {}, {}, {}, {}, {}, {}, {}
-- For each hash the IDs that get an entry, each followed by its value.
local entries = { [published] = {}, [attempts] = {}, [failures] = {}, [crashes] = {}, [payload] = {}, [failure] = {}, [requests] = {}, [traces] = {} }
local function note(hash, id, value)
  local pairs_ = entries[hash]
  pairs_[#pairs_ + 1], pairs_[#pairs_ + 2] = id, value
end

for i, id in ipairs(ids) do
  if known[i] == 1 or tokens[i] or running[i] or dues[i] or bad[i] or seen[id] then
    letters[i] = 'p'
  else
    local first = 3 + (i - 1) * WIDTH
    local state, _, due, time, tried, failed_before, died, content, record, absorbed, contexts = unpack(ARGV, first, first + WIDTH - 1)
    seen[id], fresh[#fresh + 1], letters[i] = true, id, string.sub(state, 1, 1)
    if state == 'failed' then
      lost[#lost + 1], over[#over + 1], over[#over + 2] = id, failed_before, id
    else
      note(published, id, time ~= '' and time or string.format('%d', now))
      if tried ~= '0' then note(attempts, id, tried) end
      if failed_before ~= '0' then note(failures, id, failed_before) end
      if died ~= '0' then note(crashes, id, died) end
      if absorbed ~= '' then note(requests, id, absorbed) end
      if state == 'delayed' then
        later[#later + 1], times[#times + 1], times[#times + 2] = id, due, id
      else
        waiting[#waiting + 1] = id
      end
    end
    if content ~= '' then note(payload, id, content) end
    if record ~= '' then note(failure, id, record) end
    if contexts ~= '' then note(traces, id, contexts) end
  end
end
if #fresh == 0 or is_dry then return table.concat(letters) end

start_anew(fresh)
if exists(rerun) then call('SREM', rerun, unpack(fresh)) end
for hash, pairs_ in pairs(entries) do
  if #pairs_ > 0 then put('HSET', hash, unpack(pairs_)) end
end
if #over > 0 then put('ZADD', failed, unpack(over)) end
if #later > 0 then
  call('SADD', committed, unpack(later))
  put('ZADD', delayed, unpack(times))
end
enqueue(waiting)
count('restored', #fresh)
if exists(recording) then
  -- here: record
  record('restore', 'queued', waiting)
  record('restore', 'delayed', later)
  record('restore', 'failed', lost)
end
return table.concat(letters)
