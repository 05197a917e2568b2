-- recover: processing -> queued, failed
-- keys: claim workers worker owner
-- with: holding crash totals
-- args: the dead worker, how many crashes fail an ID, '1' to strike the worker off when done, (ID, token)...
-- answer: 'alive' and nothing done, or 'dead'; then (ID, 'queued' or 'failed')...
local dead, limit, is_last, claims = take(), take_number(), take() == '1', take_rest()
local lease = call('ZSCORE', workers, dead)
if lease and tonumber(lease) > now then return { 'alive' } end

local answer, back = { 'dead' }, {}
for i = 1, #claims, 2 do
  local id = claims[i]
  if call('HGET', owner, id) == claims[i + 1] then
    leave_processing({ id })
    local word = charge_crash(id, limit, 'its worker died')
    if word == 'queue' then
      back[#back + 1] = id
      word = 'queued'
    end
    answer[#answer + 1] = id
    answer[#answer + 1] = word
  end
end
push_front(queued, back)
count('recovered', (#answer - 1) / 2)
if is_last then
  local own = claim .. ':' .. dead
  push_front(queued, call('LRANGE', own, 0, -1))
  call('DEL', own, worker .. ':' .. dead)
  call('ZREM', workers, dead)
end
return answer
