-- The head of every script. ARGV[1] is a test's clock in Unix ms, or empty for the store's clock; the rest is read in order.
local call = redis.call
local taken = 1
-- The next argument, or the next `n`.
local function take(n)
  local first = taken + 1
  taken = taken + (n or 1)
  return unpack(ARGV, first, taken)
end
local function take_number() return tonumber(take()) end
local function take_rest() return { take(#ARGV - taken) } end

local now = tonumber(ARGV[1])
if not now then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The keys that exist: recorded by the check of their types, at the head of every script, and by the writes.
local present = {}
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
  local sum = redis.pcall('HINCRBY', hash, field, n)
  if type(sum) == 'number' and sum >= n then return sum end
  -- The old value was not ours: below zero, or not a whole number.
  sum = type(sum) == 'number' and n or whole(call('HGET', hash, field)) + n
  call('HSET', hash, field, string.format('%d', sum))
  return sum
end

-- Drop IDs from a hash that is empty most of the time.
local function drop_all(hash, ids)
  if #ids > 0 and exists(hash) then call('HDEL', hash, unpack(ids)) end
end

-- The error for a key that holds a value of another type.
local function mistyped(key, found, kept)
  return 'The key ' .. key .. ' holds a ' .. found .. ', where Convoy keeps a ' .. kept .. '.'
end
