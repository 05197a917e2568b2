-- fail: processing -> failed, delayed, queued
-- keys: committed delayed failures attempts
-- with: ownership rerun fail_for_good totals

-- One more for each ID in a hash of counts.
local function count_up(hash, ids)
  if #ids == 0 then return end
  local before, counts = exists(hash) and call('HMGET', hash, unpack(ids)) or {}, {}
  for i, id in ipairs(ids) do
    counts[2 * i - 1], counts[2 * i] = id, string.format('%d', whole(before[i]) + 1)
  end
  put('HSET', hash, unpack(counts))
end

-- `retries` are the delays in ms before the next attempt, empty where none is left.
local function fail(ids, messages, records, retries)
  if #ids == 0 then return end
  leave_processing(ids)
  local is_over, lost, later, dues, kept = {}, {}, {}, {}, {}
  for _, id in ipairs((queue_reruns(ids))) do is_over[id] = true end
  for i, id in ipairs(ids) do
    if not is_over[id] then
      kept[#kept + 1] = id
    elseif retries[i] == '' then
      lost[#lost + 1] = id
    else
      kept[#kept + 1], later[#later + 1] = id, id
      dues[#dues + 1], dues[#dues + 2] = string.format('%d', now + retries[i]), id
    end
  end
  count_up(failures, kept)
  count_up(attempts, later)
  give_up(lost)
  if #later > 0 then
    call('SADD', committed, unpack(later))
    put('ZADD', delayed, unpack(dues))
  end
  if exists(recording) then
    -- here: record
    record('fail', 'failed', lost, me)
    record('fail', 'delayed', later, me)
  end
  remember_failures(ids, messages, records)
  log_errors(messages)
  count('retried', #later)
  count('failed', #ids - #later)
end
