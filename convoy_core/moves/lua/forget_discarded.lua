-- forget_discarded: IDs have been taken out of the state they were discarded from
-- keys: processing owner
-- with: forget totals

-- A copy of an ID that is running or queued elsewhere too (a race of Node's): only the copy goes, and nothing is forgotten.
local function forget_unless_elsewhere(state, ids)
  if #ids == 0 then return end
  local tokens, running = call('HMGET', owner, unpack(ids)), call('ZMSCORE', processing, unpack(ids))
  local busy, over = call('SMISMEMBER', committed, unpack(ids)), {}
  for i, id in ipairs(ids) do
    local is_elsewhere = tokens[i] or running[i] or (state == 'failed' and busy[i] == 1)
    if not is_elsewhere then over[#over + 1] = id end
  end
  forget(over)
  count('discarded', #ids)
end
