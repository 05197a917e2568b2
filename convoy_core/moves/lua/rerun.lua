-- rerun: runs have ended; queues those IDs again for which a rerun was asked
-- keys: rerun published attempts requests traces
-- with: enqueue set_all

-- Returns the IDs without a rerun, and how many were queued.
local function queue_reruns(ids)
  if #ids == 0 or not exists(rerun) then return ids, 0 end
  local asked = call('SMISMEMBER', rerun, unpack(ids))
  local over, again = {}, {}
  for i, id in ipairs(ids) do
    if asked[i] == 1 then again[#again + 1] = id else over[#over + 1] = id end
  end
  if #again > 0 then
    enqueue(again)
    set_all(published, again, string.format('%d', now))
    drop_all(attempts, again)
    if exists(requests) then
      -- here: rerun_requests
    end
    if exists(traces) then
      -- here: rerun_traces
    end
    if exists(recording) then
      -- here: record
      record('rerun', 'queued', again)
    end
  end
  return over, #again
end
