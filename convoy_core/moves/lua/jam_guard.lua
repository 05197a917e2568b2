-- jam_guard: processing -> queued, failed, absent
-- flags: allow-oom
-- keys: lock
-- with: damage ownership crash forget lease owner_entry totals enqueue marked abort audit
-- args: by whom (see audit), requeue | fail | discard, '1' to leave out live holders, how many crashes fail an ID, (ID, start ms)...
-- answer: one word per ID: queued, failed, discarded, gone, held, locked
local by, what, skip_live, limit, entries = take(), take(), take() == '1', take_number(), take_rest()
local refusal = damage_reply({ todays_log(), 'list' })
if refusal then return refusal end

-- Node's guard reads, then removes one by one, under this lock. Ours is one atomic step, so it only checks that no other
-- guard holds the lock. Nobody could observe that it holds the lock itself.
local seconds = math.floor(now / 1000)
local is_locked = call('EXISTS', lock .. ':clearJammedJobs:' .. string.format('%d', seconds - seconds % 5)) == 1

local function start_of_run(id, entry)
  local ours = start_of(entry)
  if ours then return ours end
  local foreign = call('ZSCORE', processing, id)
  return foreign and math.floor(tonumber(foreign) * 1000)
end

local function free(id, entry)
  count('jammed', 1)
  if is_marked(id, entry) then return abort({ id }) > 0 and 'queued' or 'discarded' end
  leave_processing({ id })
  if what == 'requeue' then
    local word = charge_crash(id, limit, 'jammed')
    if word ~= 'queue' then return word end
    enqueue({ id })
    return 'queued'
  end
  local _, again = queue_reruns({ id })
  if again == 1 then return 'queued' end
  if what == 'fail' then
    fail_for_good(id, 'jammed', '{"error":"jammed: it had been processing for too long"}')
    return 'failed'
  end
  forget({ id })
  return 'discarded'
end

local answer, ids, freed = {}, {}, { queued = {}, failed = {}, discarded = {} }
for i = 1, #entries, 2 do
  local id, word = entries[i], nil
  local entry = call('HGET', owner, id)
  if is_locked then
    word = 'locked'
  elseif start_of_run(id, entry) ~= tonumber(entries[i + 1]) then
    word = 'gone'
  elseif skip_live and entry and is_live(worker_of(entry)) then
    word = 'held'
  else
    word = free(id, entry)
    table.insert(freed[word], id)
  end
  answer[#answer + 1], ids[#ids + 1] = word, id
end
keep_audit(by, 'jam_guard', answer, ids)
if exists(recording) then
  -- here: record
  record('jam_guard', 'queued', freed.queued)
  record('jam_guard', 'failed', freed.failed)
  record('jam_guard', 'absent', freed.discarded)
end
return answer
