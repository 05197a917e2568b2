-- recover: processing -> queued, failed, absent
-- flags: allow-oom
-- keys: workers owner
-- with: damage owner_entry ownership crash totals enqueue claim_list drop_worker marked abort
-- args: the dead worker, how many crashes fail an ID, the latest that it can be unless the clock was set (Unix ms) or empty,
--       ms after its lease when it is unregistered or empty, (ID, token)...
-- answer: 'alive' and nothing done, or 'dead'; then (ID, 'queued', 'failed' or 'cancelled')...
local dead, limit, latest, strike_after, claims = take(), take_number(), take_number(), take_number(), take_rest()
local lease = call('ZSCORE', workers, dead)
if lease and tonumber(lease) > now or latest and now > latest then return { 'alive' } end
local own = claim_list_of(dead)
local refusal = damage_reply({ own, 'list', todays_log(), 'list' })
if refusal then return refusal end

-- IDs that were only handed over left the queue after the others, so they go back first, to be behind those.
return_claim_list(own, 0)
local answer, back, failed_now = { 'dead' }, {}, {}
for i = 1, #claims, 2 do
  local id = claims[i]
  local entry = call('HGET', owner, id)
  if holds(entry, claims[i + 1]) then
    local word
    if is_marked(id, entry) then
      word = abort({ id }, dead) > 0 and 'queued' or 'cancelled'
    else
      leave_processing({ id })
      word = charge_crash(id, limit, 'its worker died')
    end
    if word == 'queue' then
      back[#back + 1] = id
      word = 'queued'
    elseif word == 'failed' then
      failed_now[#failed_now + 1] = id
    end
    answer[#answer + 1] = id
    answer[#answer + 1] = word
  end
end
enqueue(back, true)
if exists(recording) then
  -- here: record
  record('recover', 'queued', back, dead)
  record('recover', 'failed', failed_now, dead)
end
count('recovered', (#answer - 1) / 2)
-- A wait of the dead worker may still be handed an ID by the store, so its claim list is audited for a while.
if strike_after and (not lease or lease + strike_after <= now) then
  drop_worker(dead)
end
return answer
