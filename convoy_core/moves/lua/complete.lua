-- complete: processing -> absent, queued
-- with: ownership forget totals

-- `what` is the counter: done, or discarded if the handler returned Discard.
local function complete(ids, what)
  if #ids == 0 then return end
  leave_processing(ids)
  count(what, #ids)
  if exists(rerun) then
    -- here: rerun
    local over, again = queue_reruns(ids)
    if again > 0 then forget_failures(ids) end
    ids = over
  end
  forget(ids)
end
