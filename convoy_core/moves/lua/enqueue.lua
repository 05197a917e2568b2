-- enqueue: an ID becomes queued, whatever it was before
-- keys: queued committed delayed rerun

-- A run that begins from here satisfies every wish for a rerun that came before, and a copy set aside is merged into it.
-- The set is written as well: a Node jam guard may have taken the ID out of it.
local function enqueue(ids, at_head)
  if #ids == 0 then return end
  call('SADD', committed, unpack(ids))
  if exists(rerun) then call('SREM', rerun, unpack(ids)) end
  if exists(delayed) then call('ZREM', delayed, unpack(ids)) end
  if not at_head then
    call('RPUSH', queued, unpack(ids))
    return
  end
  local reversed = {}
  for i = #ids, 1, -1 do reversed[#reversed + 1] = ids[i] end
  call('LPUSH', queued, unpack(reversed))
end
