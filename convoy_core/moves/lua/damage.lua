-- damage: checks the types of keys that a script names by itself; to be called before the first write

-- The error of the first key that has another type; nil if there is none. Arguments: key, type, ...
local function damage_in(keys)
  for i = 1, #keys, 2 do
    local found = call('TYPE', keys[i]).ok
    present[keys[i]] = found ~= 'none'
    if present[keys[i]] and found ~= keys[i + 1] then
      return 'The key ' .. keys[i] .. ' holds a ' .. found .. ', where Convoy keeps a ' .. keys[i + 1] .. '.'
    end
  end
end

local function damage_reply(keys)
  local damage = damage_in(keys)
  return damage and redis.error_reply('CONVOY-DAMAGED ' .. damage)
end
