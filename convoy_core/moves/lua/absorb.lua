-- absorb: counts the publishes of known IDs, each for the run that stands for it
-- keys: requests

-- Most entries are numbers, which the store adds to by itself; see request_entry.
local times, reruns, others, add_one = {}, {}, {}, redis.pcall
-- A small hash is a flat list, which the store walks for every ID. As in a claim, a long member makes a table of it.
local long = (#ids >= 20 or now % 100 < #ids) and ':' .. string.rep('.', 65)
if long then call('HSET', requests, long, '') end
for i, id in ipairs(ids) do
  local word = words[i]
  if word == 'will_rerun' then
    if not times[id] then reruns[#reruns + 1] = id end
    times[id] = (times[id] or 0) + 1
  elseif word ~= accepted and type(add_one('HINCRBY', requests, id, 1)) ~= 'number' then
    others[#others + 1] = id
  end
end
present[requests] = true
if #reruns > 0 or #others > 0 then
  -- here: absorb_reruns
end
if long then call('HDEL', requests, long) end
