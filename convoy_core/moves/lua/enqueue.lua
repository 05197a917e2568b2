-- enqueue: an ID becomes queued, whatever it was before
-- keys: queued committed delayed rerun

-- The run that follows satisfies every rerun that was asked for before, and includes a delayed copy of the ID.
-- The committed set is written as well: a Node jam guard may have removed the ID from it.
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
