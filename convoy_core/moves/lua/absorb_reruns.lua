-- absorb_reruns: the entries of IDs that a publish wants to run once more, and those that are no numbers
-- keys: requests
-- with: request_entry
for _, id in ipairs(others) do
  local n, first, again, since = read_requests(call('HGET', requests, id))
  call('HSET', requests, id, write_requests(n + times[id], first, again, since))
end

-- Publishes with a rerun are for the next run. `marked` are those whose rerun was asked for by this one: what is kept of an
-- earlier one was for the run that goes on.
for _, id in ipairs(reruns) do
  local n, first, again, since = read_requests(call('HGET', requests, id))
  if marked[id] then n, again = n + again, 0 end
  if again == 0 then since = string.format('%d', now) end
  call('HSET', requests, id, write_requests(n, first, again + times[id], since))
end
