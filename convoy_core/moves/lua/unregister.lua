-- unregister: unregisters a worker that holds nothing; what was handed to it goes back to the head
-- flags: allow-oom
-- keys: workers worker
-- with: damage claim_list drop_worker
-- args: worker, '1' if a wait of its may still be under way, the number that its last fence noted
-- answer: whether nobody needs to look after it any more, or, after the fence, what it holds may be more than was seen
local id, is_in_doubt, number = take(), take() == '1', take_number()
local own, record = claim_list_of(id), worker .. ':' .. id
local refusal = damage_reply({ own, 'list', record, 'hash' })
if refusal then return refusal end
local is_registered = call('ZSCORE', workers, id)
-- A store that has come back older since then knows no such fence: what it holds for this worker was not looked at.
if is_registered and whole(call('HGET', record, 'number')) < number then return 0 end
return_claim_list(own, 0)
if not is_registered then return 1 end
if is_in_doubt then
  -- Something may still be handed to it: others look there until that is over (see recover).
  call('ZADD', workers, 'XX', now, id)
else
  drop_worker(id)
end
return 1
