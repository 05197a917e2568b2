-- note_history: keeps the counts and totals of a queue, unless somebody has done so just now
-- keys: queued committed processing failed delayed workers totals history
-- with: damage
-- args: 1 from who ends and will keep no other; ms from one row to the next, the most rows, the most bytes; the same of the rows that
--       are kept longer, and of those of each hour; the counters' names...
-- answer: ms until the next row is due
local is_last = take_number() == 1
local recent = { key = history .. ':seconds', step = take_number(), most = take_number(), bytes = take_number() }
local longer = { key = history .. ':minutes', step = take_number(), most = take_number(), bytes = take_number() }
local hourly = { key = history .. ':hours', step = take_number(), most = take_number(), bytes = take_number() }
local names = take_rest()

-- A row as it was kept; nil for what is no row of ours.
local function unpacked(packed)
  local is_read, row = pcall(cmsgpack.unpack, packed or '')
  if not is_read or type(row) ~= 'table' or #row < 8 then return nil end
  for _, n in ipairs(row) do
    if type(n) ~= 'number' then return nil end
  end
  return row
end

-- The newest row of a list, and its age. A clock that was set, or what is no row of ours, must not keep the next from being written.
-- Returns the error of a key that is no list.
local function look(list)
  local packed = redis.pcall('LINDEX', list.key, -1)
  if type(packed) == 'table' then return damage_reply({ list.key, 'list' }) or packed end
  list.newest = unpacked(packed)
  list.age = list.newest and math.abs(now - list.newest[1]) or math.huge
end

-- The newest row holds the counters, and how many bytes all others take. Each other row holds by how much the counters grew up to
-- the next: that takes half the bytes, and the oldest rows may leave without the others losing anything.
local function append(list, row)
  local before, bytes = list.newest, 0
  if before then
    bytes = before[2]
    before[2] = 0
    for i = 9, #row do before[i] = row[i] - (before[i] or row[i]) end
    local packed = cmsgpack.pack(before)
    call('LSET', list.key, -1, packed)
    bytes = bytes + #packed + 8 -- as much as the list needs for a row besides
  else
    call('DEL', list.key)
  end
  local length = call('LLEN', list.key)
  while length >= list.most or length > 1 and bytes > list.bytes do
    bytes = math.max(0, bytes - #call('LPOP', list.key) - 8)
    length = length - 1
  end
  row[2] = bytes
  call('RPUSH', list.key, cmsgpack.pack(row))
end

-- Let the row that comes now stand in place of the newest, if the one before is near enough: else who often ends would drive out
-- the older rows.
local function replace_newest(list)
  local packed = call('LINDEX', list.key, -2)
  local before = unpacked(packed)
  if not before or #before ~= #list.newest or math.abs(now - before[1]) >= 2 * list.step then return end
  call('LTRIM', list.key, 0, -2)
  for i = 9, #before do before[i] = list.newest[i] - before[i] end
  before[2] = math.max(0, list.newest[2] - #packed - 8)
  list.newest = before
end

-- The largest counts since the hour's row before, by the rows of an hour and of the minutes by which it may be late.
local function raise_to_largest(row)
  local since = hourly.newest and hourly.newest[1] or now - hourly.step
  local n = math.ceil((hourly.step + 2 * longer.step) / recent.step)
  for _, packed in ipairs(call('LRANGE', recent.key, -n, -1)) do
    local other = unpacked(packed)
    if other and other[1] > since and other[1] <= now then
      for i = 3, 8 do row[i] = math.max(row[i], other[i]) end
    end
  end
end

local refusal = look(recent)
if refusal then return refusal end
if recent.age < recent.step then
  if not is_last or recent.age == 0 then return math.ceil(recent.step - recent.age) end
  if recent.newest then replace_newest(recent) end
end
refusal = look(longer)
local is_minute = not refusal and longer.age >= longer.step
refusal = refusal or is_minute and look(hourly)
if refusal then return refusal end
local live = call('ZCOUNT', workers, '(' .. string.format('%d', now), '+inf')
local row = { now, 0, call('LLEN', queued), call('SCARD', committed), call('ZCARD', processing), call('ZCARD', failed) }
row[7], row[8] = call('ZCARD', delayed), live
for _, n in ipairs(call('HMGET', totals, unpack(names))) do row[#row + 1] = whole(n) end
append(recent, row)
if not is_minute then return recent.step end
append(longer, row)
if not hourly.newest or math.floor(hourly.newest[1] / hourly.step) ~= math.floor(now / hourly.step) then
  raise_to_largest(row)
  append(hourly, row)
end
return recent.step
