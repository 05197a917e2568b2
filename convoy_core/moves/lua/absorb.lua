-- absorb: counts the publishes of known IDs, each for the run that stands for it
-- keys: requests

-- The entries are read at once and written at once; a command for each ID took as long as all the rest of such a publish.
-- Nearly all are the same few numbers (see request_entry): `more` holds what follows each of them.
local times, some, reruns, others = {}, {}, {}, {}
for i, id in ipairs(ids) do
  local word = words[i]
  if word ~= accepted then
    local before = times[id]
    if before then
      times[id] = before + 1
    else
      local list = word == 'will_rerun' and reruns or some
      times[id], list[#list + 1] = 1, id
    end
  end
end
-- A small hash is a flat list, which the store walks for every ID. As in a claim, a long member makes a table of it.
local long = (#ids >= 20 or now % 100 < #ids) and ':' .. string.rep('.', 65)
local has_some = exists(requests)
if long then call('HSET', requests, long, '') end
if #some > 0 then
  local entries, more, changes, last = has_some and call('HMGET', requests, unpack(some)) or {}, {}, {}, 0
  for i, id in ipairs(some) do
    local entry, n = entries[i] or '0', times[id]
    local changed = n == 1 and more[entry]
    if not changed and string.find(entry, '^%d+$') then
      changed = string.format('%d', whole(entry) + n)
      if n == 1 then more[entry] = changed end
    end
    if changed then
      changes[last + 1], changes[last + 2] = id, changed
      last = last + 2
    else
      others[#others + 1] = id
    end
  end
  if last > 0 then call('HSET', requests, unpack(changes)) end
end
present[requests] = true
if #reruns > 0 or #others > 0 then
  -- here: absorb_reruns
end
if long then call('HDEL', requests, long) end
