-- discard: queued, delayed, failed -> absent
-- flags: allow-oom
-- keys: queued delayed
-- with: forget_discarded audit
-- args: dry run, by whom (see audit), state, ID...
-- answer: one word per ID: discarded, gone
local dry, by, state, ids = take() == '1', take(), take(), take_rest()

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
forget_unless_elsewhere(state, gone)
if not dry then keep_audit(by, 'discard', answer, ids) end
return answer
