-- holding: who holds an ID, proven by its token, and the way out of processing
-- keys: processing started owner

-- Split IDs into those that `worker` still holds under the given claim numbers, and the stale rest.
local function split_held(worker, ids, numbers)
  local mine, stale = {}, {}
  if #ids == 0 then return mine, stale end
  local tokens = call('HMGET', owner, unpack(ids))
  for i, id in ipairs(ids) do
    if tokens[i] == worker .. ':' .. numbers[i] then mine[#mine + 1] = id else stale[#stale + 1] = id end
  end
  return mine, stale
end

local function leave_processing(ids)
  if #ids == 0 then return end
  call('ZREM', processing, unpack(ids))
  call('ZREM', started, unpack(ids))
  call('HDEL', owner, unpack(ids))
end
