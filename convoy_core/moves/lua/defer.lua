-- defer: processing -> delayed, queued
-- keys: committed delayed
-- with: ownership rerun totals
local function defer(ids, delays)
  if #ids == 0 then return end
  leave_processing(ids)
  count('deferred', #ids)
  local is_over, waiting, dues = {}, {}, {}
  for _, id in ipairs((queue_reruns(ids))) do is_over[id] = true end
  for i, id in ipairs(ids) do
    if is_over[id] then
      waiting[#waiting + 1] = id
      dues[#dues + 1], dues[#dues + 2] = string.format('%d', now + delays[i]), id
    end
  end
  if #waiting == 0 then return end
  call('SADD', committed, unpack(waiting))
  put('ZADD', delayed, unpack(dues))
  if exists(recording) then
    -- here: record
    record('defer', 'delayed', waiting, me)
  end
end
