-- In front of every script. ARGV[1] is a test's clock in Unix ms, or empty for the store's own; the rest is taken in order.
local call = redis.call
local taken = 1
local function take()
  taken = taken + 1
  return ARGV[taken]
end
local function take_number() return tonumber(take()) end
local function take_rest()
  local rest = {}
  for i = taken + 1, #ARGV do rest[#rest + 1] = ARGV[i] end
  taken = #ARGV
  return rest
end

local now = tonumber(ARGV[1])
if not now then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function exists(key) return call('EXISTS', key) == 1 end

-- Push onto the head of a list so that the first of `ids` is the next one out.
local function push_front(list, ids)
  local reversed = {}
  for i = #ids, 1, -1 do reversed[#reversed + 1] = ids[i] end
  if #reversed > 0 then call('LPUSH', list, unpack(reversed)) end
end

-- Put one value per ID into a hash.
local function set_all(hash, ids, value)
  local pairs_ = {}
  for i, id in ipairs(ids) do
    pairs_[2 * i - 1] = id
    pairs_[2 * i] = value
  end
  if #ids > 0 then call('HSET', hash, unpack(pairs_)) end
end

-- Drop IDs from a hash that is empty most of the time.
local function drop_all(hash, ids)
  if #ids > 0 and exists(hash) then call('HDEL', hash, unpack(ids)) end
end
