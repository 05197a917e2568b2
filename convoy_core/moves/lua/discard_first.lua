-- discard_first: the move `discard` for the head of a state, whichever IDs are there
-- flags: allow-oom
-- keys: queued delayed
-- with: forget_discarded
-- args: state, how many at most
-- answer: how many were removed
local state, n = take(), take_number()
local ids
if state == 'queued' then
  ids = call('LPOP', queued, n) or {}
else
  local set = state == 'delayed' and delayed or failed
  ids = call('ZRANGE', set, 0, n - 1)
  if #ids > 0 then call('ZREM', set, unpack(ids)) end
end
forget_unless_elsewhere(state, ids)
return #ids
