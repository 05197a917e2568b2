-- complete: processing -> absent, queued
-- with: ownership totals

-- Runs that ended well, `mine`, the last `discarded` of them since their handlers returned Discard.
count('done', #mine - discarded)
count('discarded', discarded)
leave_processing(mine)
local over, again = mine, 0
if present[rerun] then
  -- here: rerun forget
  over, again = queue_reruns(mine)
  if again > 0 then forget_failures(mine) end
end
if #over > 0 then
  if present[recording] then
    -- here: record
    record('complete', 'absent', over, me)
  end
  call('SREM', committed, unpack(over))
  call('HDEL', published, unpack(over))
  if any_rare then
    -- here: forget
    forget_rest(over)
  end
end
