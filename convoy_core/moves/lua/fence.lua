-- fence: no request of this worker that is still under way may claim anything any more
-- flags: allow-oom
-- keys: worker
-- with: damage
-- args: worker, the number from which it will claim next
local record, number = worker .. ':' .. take(), take_number()
local refusal = damage_reply({ record, 'hash' })
if refusal then return refusal end
-- A claim is refused whose number is not above the one noted here.
if exists(record) and whole(call('HGET', record, 'number')) < number - 1 then
  call('HSET', record, 'number', string.format('%d', number - 1))
end
return 'ok'
