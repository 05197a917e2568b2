-- on_demand: small functions, each in front of the scripts, and parts of scripts, that call it

-- ARGV is read in order, after the clock: the next argument, or the next `n`.
local taken = 1
local function take(n)
  local first = taken + 1
  taken = taken + (n or 1)
  return unpack(ARGV, first, taken)
end
local function take_number() return tonumber(take()) end
local function take_rest() return { take(#ARGV - taken) } end

local function exists(key) return present[key] end

-- A write that may create a key for which `exists` is called.
local function put(command, key, ...)
  present[key] = true
  return call(command, key, ...)
end

-- A count that another client may have written: a whole number from 0, else 0.
local function whole(value)
  local n = tonumber(value)
  if not n or n ~= n or n < 0 or n > 2 ^ 53 then return 0 end
  return math.floor(n)
end

-- Add to a counter in a hash. Returns the new value.
local function add(hash, field, n)
  present[hash] = true
  local sum = redis.pcall('HINCRBY', hash, field, string.format('%d', n))
  if type(sum) == 'number' and sum >= n then return sum end
  -- The old value was not ours: below zero, or not a whole number.
  -- here: replace_count
  return replace_count(hash, field, type(sum) == 'number' and 0 or call('HGET', hash, field), n)
end

-- Drop IDs from a hash that is empty most of the time.
local function drop_all(hash, ids)
  if #ids > 0 and exists(hash) then call('HDEL', hash, unpack(ids)) end
end
