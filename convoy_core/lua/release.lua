-- release: processing -> queued
-- keys: queued
-- with: holding totals
local function release(ids)
  leave_processing(ids)
  push_front(queued, ids)
  count('released', #ids)
end
