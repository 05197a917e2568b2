-- damage: whether the keys that a script names by itself hold what they should; to be asked before the first write

-- What is wrong with the first that holds something else: key, type, ...
local function damage_in(keys)
  for i = 1, #keys, 2 do
    local found = call('TYPE', keys[i]).ok
    present[keys[i]] = found ~= 'none'
    if present[keys[i]] and found ~= keys[i + 1] then return mistyped(keys[i], found, keys[i + 1]) end
  end
end

local function damage_reply(keys)
  local damage = damage_in(keys)
  return damage and redis.error_reply('CONVOY-DAMAGED ' .. damage)
end
