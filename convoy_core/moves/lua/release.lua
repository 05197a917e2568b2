-- release: processing -> queued
-- with: holding enqueue totals
local function release(ids)
  leave_processing(ids)
  enqueue(ids, true)
  count('released', #ids)
end
