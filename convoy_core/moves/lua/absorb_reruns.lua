-- absorb_reruns: the entries of IDs that a publish wants to run once more
-- with: request_entry

-- Their publishes are for the next run. `marked` are those whose rerun was asked for by this one: what is kept of an earlier one
-- was for the run that goes on.
local instant = format('%d', now)
for _, i in ipairs(reruns) do
  local id = some[i]
  local n, since_first, again, since = read_requests(kept[i])
  if marked[id] then n, again = n + again, 0 end
  if again == 0 then since = instant end
  entries[2 * i] = write_requests(n, since_first or instant, again + times[id], since)
end
