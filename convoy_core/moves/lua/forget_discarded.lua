-- forget_discarded: removes the data about IDs that have been discarded from their state
-- keys: processing owner
-- with: forget totals

-- Of an ID that is also running or queued elsewhere (a race of Node) only the copy is removed, and its data is kept.
local function forget_unless_elsewhere(state, ids)
  if #ids == 0 then return end
  local tokens, running = call('HMGET', owner, unpack(ids)), call('ZMSCORE', processing, unpack(ids))
  local busy, over = call('SMISMEMBER', committed, unpack(ids)), {}
  for i, id in ipairs(ids) do
    local is_elsewhere = tokens[i] or running[i] or (state == 'failed' and busy[i] == 1)
    if not is_elsewhere then over[#over + 1] = id end
  end
  forget(over)
  if exists(recording) then
    -- here: record
    record('discard', 'absent', ids)
  end
  count('discarded', #ids)
end
