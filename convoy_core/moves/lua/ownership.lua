-- ownership: who holds an ID, proven by its token, and the way out of processing
-- keys: processing started owner cancelling

-- The positions of the claims that `worker` still holds, the numbers of the stale ones, and the IDs of those held.
-- By position and number, since an ID may be listed twice: lost under one number, and claimed again under another.
local function split_held(worker, ids, numbers)
  local is_held, stale, mine = {}, {}, {}
  if #ids == 0 then return is_held, stale, mine end
  local sub, prefix = string.sub, worker .. ':'
  for i, entry in ipairs(call('HMGET', owner, unpack(ids))) do
    local token = prefix .. numbers[i] .. '@'
    if entry and sub(entry, 1, #token) == token then
      mine[#mine + 1], is_held[i] = ids[i], true
    else
      stale[#stale + 1] = numbers[i]
    end
  end
  return is_held, stale, mine
end

local function leave_processing(ids)
  if #ids == 0 then return end
  call('ZREM', processing, unpack(ids))
  if present[started] then call('ZREM', started, unpack(ids)) end
  if present[cancelling] then call('HDEL', cancelling, unpack(ids)) end
  call('HDEL', owner, unpack(ids))
end
