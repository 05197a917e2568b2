-- admit: from the IDs taken from the list, those that may run now
-- keys: delayed rerun
-- with: totals

-- A copy of an ID that is running (by a Node race or a manual push) is removed: our worker will run it again. A Node worker
-- knows no rerun marks, so the copy is delayed instead. There are never two holders.
local function admit(ids, running, tokens, wait)
  local admitted, seen, merged, waiting = {}, {}, {}, {}
  for i, id in ipairs(ids) do
    if tokens[i] or seen[id] then
      put('SADD', rerun, id)
      merged[#merged + 1] = id
    elseif running[i] then
      put('ZADD', delayed, now + wait, id)
      waiting[#waiting + 1] = id
    else
      seen[id] = true
      -- A Node client may have queued an ID that was to run again: this run is that rerun.
      if exists(rerun) then call('SREM', rerun, id) end
      admitted[#admitted + 1] = id
    end
  end
  count('merged', #merged + #waiting)
  if exists(recording) then
    -- here: record
    record('merge', 'processing', merged)
    record('merge', 'delayed', waiting)
  end
  return admitted
end
