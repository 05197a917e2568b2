-- complete: processing -> absent, queued
-- with: holding rerun forget totals
local function complete(ids)
  if #ids == 0 then return end
  leave_processing(ids)
  count('done', #ids)
  local over, again = queue_reruns(ids)
  if again > 0 then forget_failures(ids) end
  forget(over)
end
