-- repair: puts right what a check has found, each only if it is still wrong
-- keys: rerun
-- with: damage fault ownership crash enqueue totals tidy marked abort audit
-- args: by whom (see audit), ms after a lease, how many crashes fail an ID, (letter, ID, worker or empty)...
-- answer: one word for each: queued, failed, merged (one copy, perhaps of several), listed, committed, forgotten, gone
local by, late, limit, faults = take(), take_number(), take_number(), take_rest()
local refusal = damage_reply({ todays_log(), 'list' })
if refusal then return refusal end
local repairs = {}

function repairs.o(id, handed_to)
  if handed_to ~= '' then
    call('LREM', claim_list_of(handed_to), 0, id)
    enqueue({ id }, true)
    return 'queued'
  end
  count('recovered', 1)
  if is_marked(id, call('HGET', owner, id)) then return abort({ id }) > 0 and 'queued' or 'forgotten' end
  leave_processing({ id })
  local word = charge_crash(id, limit, 'its worker died')
  if word ~= 'queue' then return word end
  enqueue({ id }, true)
  return 'queued'
end

function repairs.m(id)
  enqueue({ id })
  return 'queued'
end
repairs.M = repairs.m

-- Take the copy at this place out of the list, from the end that is nearer: on the way back each entry takes half as long again.
local function take_out(id, place)
  if place > 0.6 * call('LLEN', queued) then return call('LREM', queued, -1, id) end
  local mark = 'removed by a repair: ' .. id
  call('LSET', queued, place, mark)
  call('LREM', queued, 1, mark)
end

-- One copy at a time, since each search may pass the whole list. A run includes what was delayed, and of copies in the list the
-- first stays. What waits beside a run is a wish to run once more.
function repairs.d(id, handed_to, found)
  if handed_to ~= '' then
    call('LREM', claim_list_of(handed_to), 1, id)
  elseif found.is_delayed then
    call('ZREM', delayed, id)
  else
    take_out(id, found.place)
  end
  if found.is_running then put('SADD', rerun, id) end
  count('merged', 1)
  return 'merged'
end

function repairs.l(id)
  call('ZADD', processing, string.format('%d', math.floor(now / 1000)), id)
  return 'listed'
end

function repairs.u(id)
  call('SADD', committed, id)
  count('adopted', 1)
  return 'committed'
end

function repairs.x(id)
  if not call('HGET', owner, id) then
    call('ZREM', started, id)
    call('HDEL', cancelling, id)
  end
  if call('SISMEMBER', committed, id) == 1 and not is_running(id) then call('SREM', rerun, id) end
  tidy({ id })
  return 'forgotten'
end

local answer, repaired, ids = {}, {}, {}
for i = 1, #faults, 3 do
  local letter, id, handed_to = faults[i], faults[i + 1], faults[i + 2]
  local found = is_fault(letter, id, handed_to, late)
  local word = found and repairs[letter](id, handed_to, found) or 'gone'
  answer[#answer + 1] = word
  ids[#answer] = id
  if found then
    repaired[word] = repaired[word] or {}
    table.insert(repaired[word], id)
  end
end
keep_audit(by, 'repair', answer, ids)
if exists(recording) then
  -- here: record
  for word, some in pairs(repaired) do record('repair', word, some) end
end
return answer
