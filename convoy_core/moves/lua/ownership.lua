-- ownership: who holds an ID, proven by its token, and the way out of processing
-- keys: processing started owner
-- with: owner_entry

-- The positions of the claims that `worker` still holds, the numbers of the stale ones, and the IDs of those held.
-- By position and number, since an ID may be listed twice: lost under one number, and claimed again under another.
local function split_held(worker, ids, numbers)
  local is_held, stale, mine = {}, {}, {}
  if #ids == 0 then return is_held, stale, mine end
  local entries = call('HMGET', owner, unpack(ids))
  for i, id in ipairs(ids) do
    is_held[i] = holds(entries[i], worker .. ':' .. numbers[i])
    if is_held[i] then mine[#mine + 1] = id else stale[#stale + 1] = numbers[i] end
  end
  return is_held, stale, mine
end

local function leave_processing(ids)
  if #ids == 0 then return end
  call('ZREM', processing, unpack(ids))
  if exists(started) then call('ZREM', started, unpack(ids)) end
  call('HDEL', owner, unpack(ids))
end
