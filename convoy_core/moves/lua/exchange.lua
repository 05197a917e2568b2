-- exchange: one round of a pool: settle what ended, then claim up to the free slots
-- flags: allow-oom
-- keys: queued committed processing owner workers worker published claim totals
-- proven: queued committed processing owner workers published totals
-- with: ownership totals
-- args: worker, how many to claim, number of the first claim, how it treats suspects (see set_apart),
--       how many completed, (ID, number)...; if anything else ended:
--       how many of the completed, the last ones, their handlers discarded,
--       how many failed, (ID, number, message, record, retry ms or empty)..., how many deferred, (ID, number, ms)...,
--       how many released, (ID, number)..., and if any were cancelled: how many, (ID, number)...
-- answer: numbers of the stale claims, and with a minus sign of those that have been asked to end; word; what was claimed (see claim)
local args = ARGV
local me, want, number, policy, n = unpack(args, 2, 6)

-- A key of another type stops the script here, with nothing done: some of this is read for that alone.
local record, own = worker .. ':' .. me, claim .. ':' .. me
local lease, highest, handed = call('ZSCORE', workers, me), call('HGET', record, 'number'), call('LRANGE', own, 0, -1)
local head = call('LINDEX', queued, 0)
call('SISMEMBER', committed, '')
call('ZSCORE', processing, '')
-- When the one came into the line that is claimed first, most likely: what each of them waited would cost a command more.
local first = handed[1] or head or ''
local since = call('HGET', published, first)
present[published] = true

local completed, numbers = {}, {}
local at = 6 -- the last argument that was read
for i = 1, tonumber(n) do
  completed[i], numbers[i] = args[at + 1], args[at + 2]
  at = at + 2
end
if at == 6 then call('HGET', owner, '') end
local is_held, stale, mine = split_held(me, completed, numbers)
if #mine == 0 then call('HGET', totals, '') end -- else its first use is the first write
local discarded, ended_otherwise, told = 0, args[at + 1], present[cancelling] and {}
if ended_otherwise then
  at = at + 1
  for i = n - ended_otherwise + 1, n do
    if is_held[i] then discarded = discarded + 1 end
  end
  if args[at + 1] ~= '0' then
    -- here: damage todays_log
    local refusal = damage_reply({ todays_log(), 'list' })
    if refusal then return refusal end
  end
end

if #mine > 0 then
  -- here: complete
end
if ended_otherwise then
  -- here: fail defer release
  local marked = {} -- whose runs have been asked to end: that is how they end, unless they were done before

  -- Of the next claims in the arguments, each of so many, those still held: their IDs, and each further argument as a list.
  local function next_held(width)
    local from, ids, columns = at + 1, {}, {}
    numbers = {}
    for i = 1, tonumber(args[from]) do
      ids[i], numbers[i] = args[at + 2], args[at + 3]
      at = at + width
    end
    at = at + 1
    local held, lost, ours = split_held(me, ids, numbers)
    for _, late in ipairs(lost) do stale[#stale + 1] = late end
    if told and #ours > 0 then
      -- here: take_marked
      ours = take_marked(ids, held, marked, told)
    end
    for column = 3, width do
      local values = {}
      for i = 1, #ids do
        if held[i] then values[#values + 1] = args[from + (i - 1) * width + column] end
      end
      columns[#columns + 1] = values
    end
    return ours, unpack(columns)
  end
  fail(next_held(5))
  defer(next_held(3))
  release((next_held(2)))
  if args[at + 1] or #marked > 0 then
    -- here: abort
    for _, id in ipairs(args[at + 1] and next_held(2) or {}) do marked[#marked + 1] = id end
    abort(marked, me)
  end
end
count('stale', #stale)
if told then
  -- here: tell_marked
end

-- here: claim
