-- bars: what keeps a worker from claiming: it is quiet, or its host is, or its version is too low
-- keys: barred

-- The numbers of a version such as v1.4.2-rc1, and whether its suffix puts it before the one without. None where it is no version.
local function numbers_of(version)
  local numbers, digits, suffix = {}, string.match(version, '^v?(%d[%d.]*)(.*)$')
  for number in string.gmatch(digits or '', '%d+') do numbers[#numbers + 1] = tonumber(number) end
  local is_after = not suffix or suffix == '' or string.match(suffix, '^%+') or string.match(suffix, '^[-_.]?post')
  return numbers, not is_after
end

-- What is no version, or none at all, is lower than any.
local function is_lower(version, lowest)
  local numbers, is_before = numbers_of(version)
  local least = numbers_of(lowest)
  if #numbers == 0 then return true end
  for i = 1, math.max(#numbers, #least) do
    local one, other = numbers[i] or 0, least[i] or 0
    if one ~= other then return one < other end
  end
  return is_before
end

-- The word of a claim that may take nothing, and why; `open` where nothing bars this worker.
local function bar_of(me, record)
  local known = call('HMGET', record, 'host', 'version')
  local found = call('HMGET', barred, 'worker:' .. me, 'host:' .. (known[1] or ''), 'lowest')
  if found[1] then return 'quiet worker' end
  if found[2] then return 'quiet host' end
  return found[3] and is_lower(known[2] or '', found[3]) and 'outdated ' .. found[3] or 'open'
end
