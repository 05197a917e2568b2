-- carried: the payloads of what a claim has taken, of BATCH_BYTES together or one
-- keys: payload queued rerun

-- Returns the payloads, and whether there were too many: then the last IDs went back to the head of the list.
local function carry(ids)
  local bytes, is_cut = BATCH_BYTES, false
  for i, id in ipairs(ids) do
    bytes = bytes - call('HSTRLEN', payload, id)
    is_cut = bytes < 0 and i > 1
    if is_cut then
      for _ = i, #ids do
        local back = table.remove(ids)
        -- A second copy of it may have been taken for a rerun of it.
        if exists(rerun) then call('SREM', rerun, back) end
        call('LPUSH', queued, back)
      end
      break
    end
  end
  return #ids > 0 and call('HMGET', payload, unpack(ids)) or {}, is_cut
end
