-- fence: from now on no earlier request of this worker that is still under way may claim
-- flags: allow-oom
-- keys: worker
-- with: damage
-- args: worker, the number from which it will claim next
local record, number = worker .. ':' .. take(), take_number()
local refusal = damage_reply({ record, 'hash' })
if refusal then return refusal end
-- A claim is refused unless its number is above the one stored here.
if exists(record) and whole(call('HGET', record, 'number')) < number - 1 then
  call('HSET', record, 'number', string.format('%d', number - 1))
end
return 'ok'
