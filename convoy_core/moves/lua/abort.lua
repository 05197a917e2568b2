-- abort: processing -> absent, queued
-- with: ownership rerun forget totals

-- Runs that had been asked to end, and have ended otherwise than well; `by` is their worker, if it made them end. Returns how many
-- IDs were queued again.
local function abort(ids, by)
  if #ids == 0 then return 0 end
  leave_processing(ids)
  local over, again = queue_reruns(ids)
  forget(over)
  count('cancelled', #ids)
  if exists(recording) then
    -- here: record
    record('abort', 'absent', over, by)
  end
  return again
end
