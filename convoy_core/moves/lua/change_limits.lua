-- change_limits: what limits a queue is set, and what has begun already counts on
-- keys: limits
-- with: bucket wake audit

local LIMITS = { 'concurrency', 'rate', 'period', 'burst' }

-- The limits among some numbers by name, as one text.
local function told_limits(set)
  local told = {}
  for i, name in ipairs(LIMITS) do told[i] = string.format('%d', set[name] or 0) end
  return table.concat(told, ' ')
end

-- Returns whether that changes anything; where it is to be tried only, nothing is written.
local function change_limits(by, given, is_tried)
  local set, turns = read_limits()
  local before, after = told_limits(set), told_limits(given)
  if before == after then return false end
  if is_tried then return true end
  local old = bucket_of(set)
  local begun = old and old.used / old.period or 0
  call('HDEL', limits, 'used', 'at', unpack(LIMITS))
  for _, name in ipairs(LIMITS) do
    if given[name] > 0 then call('HSET', limits, name, string.format('%d', given[name])) end
  end
  if begun > 0 and given.rate > 0 then
    local used = math.ceil(math.min(begun, given.burst) * given.period)
    call('HSET', limits, 'used', string.format('%d', used), 'at', string.format('%d', now))
  end
  local is_lifted = given.concurrency == 0 and given.rate == 0
  if is_lifted then call('DEL', limits) end
  for turn in pairs(turns) do wake_pool(turn) end
  keep_audit(by, 'limit', { is_lifted and 'lifted' or 'limited' }, {}, { 'before', before, 'after', after })
  return true
end

-- As many numbers as there are limits, by name.
local function take_limits()
  local given = {}
  for _, name in ipairs(LIMITS) do given[name] = take_number() end
  return given
end
