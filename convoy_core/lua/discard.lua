-- discard: queued, delayed, failed -> absent
-- flags: allow-oom
-- keys: queued delayed processing owner
-- with: forget totals
-- args: dry run, state, ID...
-- answer: one word per ID: discarded, gone
local dry, state, ids = take() == '1', take(), take_rest()

local function is_there(id)
  if state == 'queued' then
    if dry then return call('LPOS', queued, id) end
    return call('LREM', queued, 1, id) > 0
  end
  local set = state == 'delayed' and delayed or failed
  if dry then return call('ZSCORE', set, id) end
  return call('ZREM', set, id) > 0
end

local answer, gone = {}, {}
for i, id in ipairs(ids) do
  answer[i] = is_there(id) and 'discarded' or 'gone'
  if answer[i] == 'discarded' and not dry then gone[#gone + 1] = id end
end
if #gone > 0 then
  -- A copy of an ID that is running or queued elsewhere too (a race of Node's): only the copy goes, and nothing is forgotten.
  local tokens, running = call('HMGET', owner, unpack(gone)), call('ZMSCORE', processing, unpack(gone))
  local busy, over = call('SMISMEMBER', committed, unpack(gone)), {}
  for i, id in ipairs(gone) do
    local is_elsewhere = tokens[i] or running[i] or (state == 'failed' and busy[i] == 1)
    if not is_elsewhere then over[#over + 1] = id end
  end
  forget(over)
  count('discarded', #gone)
end
return answer
