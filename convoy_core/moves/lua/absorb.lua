-- absorb: counts the publishes of known IDs, each for the run that stands for it
-- keys: requests
-- with: request_entry

-- With a rerun it is the next run, else the one that the ID waits for, or that goes on. `marked` are those whose rerun was
-- asked for by this publish: what is kept of an earlier one was for the run that goes on.
local times, some, is_again = {}, {}, {}
for i, id in ipairs(ids) do
  if words[i] ~= accepted then
    if not times[id] then some[#some + 1] = id end
    times[id] = (times[id] or 0) + 1
    is_again[id] = words[i] == 'will_rerun'
  end
end
local kept, entries, instant = exists(requests) and call('HMGET', requests, unpack(some)) or {}, {}, string.format('%d', now)
for i, id in ipairs(some) do
  local n, first, again, since = read_requests(kept[i])
  if marked[id] then n, again = n + again, 0 end
  if is_again[id] then
    if again == 0 then since = instant end
    again = again + times[id]
  else
    n = n + times[id]
  end
  entries[2 * i - 1], entries[2 * i] = id, write_requests(n, first or instant, again, since)
end
put('HSET', requests, unpack(entries))
