-- absorb: counts the publishes of known IDs, each for the run that stands for it
-- keys: requests

-- Most are for the run that the ID waits for, or that goes on: those add to the first number of its entry (see request_entry).
local some, times, reruns = {}, {}, {}
for i, id in ipairs(ids) do
  local word = words[i]
  if word ~= accepted then
    if times[id] then
      times[id] = times[id] + 1
    else
      some[#some + 1], times[id] = id, 1
      if word == 'will_rerun' then reruns[#reruns + 1] = #some end
    end
  end
end
local match, format = string.match, string.format
local kept, entries, first = exists(requests) and call('HMGET', requests, unpack(some)) or {}, {}, format(' %d', now)
for i, id in ipairs(some) do
  local n, rest = match(kept[i] or '', '^(%d+)( %d+.*)$')
  entries[2 * i - 1], entries[2 * i] = id, n and format('%d', n + times[id]) .. rest or times[id] .. first
end
if #reruns > 0 then
  -- here: absorb_reruns
end
-- A small hash is a flat list, which the store walks for every ID. As in a claim, a long member makes a table of it.
local long = (#some >= 20 or now % 100 < #some) and ':' .. string.rep('.', 65)
if long then entries[#entries + 1], entries[#entries + 2] = long, '' end
put('HSET', requests, unpack(entries))
if long then call('HDEL', requests, long) end
