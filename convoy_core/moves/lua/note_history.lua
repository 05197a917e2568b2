-- note_history: keeps the counts and totals of a queue, unless somebody has done so just now
-- keys: queued committed processing failed delayed workers totals history
-- with: damage
-- args: ms from one row to the next, the most rows, the most bytes; the same of the rows that are kept longer; the counters' names...
-- answer: ms until the next row is due
local recent = { key = history .. ':seconds', step = take_number(), most = take_number(), bytes = take_number() }
local longer = { key = history .. ':minutes', step = take_number(), most = take_number(), bytes = take_number() }
local names = take_rest()
local refusal = damage_reply({ recent.key, 'list', longer.key, 'list' })
if refusal then return refusal end

-- The newest row of a list, and its age. A clock that was set, or what is no row of ours, must not keep the next from being written.
local function look(list)
  local is_read, row = pcall(cmsgpack.unpack, call('LINDEX', list.key, -1) or '')
  list.newest = is_read and type(row) == 'table' and #row >= 8 and row or nil
  for _, n in ipairs(list.newest or {}) do
    if type(n) ~= 'number' then list.newest = nil end
  end
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

look(recent)
if recent.age < recent.step then return math.ceil(recent.step - recent.age) end
look(longer)
local live = call('ZCOUNT', workers, '(' .. string.format('%d', now), '+inf')
local row = { now, 0, call('LLEN', queued), call('SCARD', committed), call('ZCARD', processing), call('ZCARD', failed) }
row[7], row[8] = call('ZCARD', delayed), live
for _, n in ipairs(call('HMGET', totals, unpack(names))) do row[#row + 1] = whole(n) end
append(recent, row)
if longer.age >= longer.step then append(longer, row) end
return recent.step
