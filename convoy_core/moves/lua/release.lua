-- release: processing -> queued
-- with: ownership enqueue totals
local function release(ids)
  leave_processing(ids)
  enqueue(ids, true)
  count('released', #ids)
  if exists(recording) then
    -- here: record
    record('release', 'queued', ids, me)
  end
end
