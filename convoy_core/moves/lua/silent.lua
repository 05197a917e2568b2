-- silent: whether a worker will not do anything any more
-- keys: workers
local known_silent = {}

-- It is not registered, or its lease ran out more than so many ms ago.
local function is_silent(id, late)
  if known_silent[id] == nil then
    local lease = tonumber(call('ZSCORE', workers, id) or nil)
    known_silent[id] = not lease or lease + late <= now
  end
  return known_silent[id]
end
