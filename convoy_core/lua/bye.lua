-- bye: a worker that holds nothing any more signs off; what was handed to it goes back to the head
-- flags: allow-oom
-- keys: workers worker
-- with: claim_list
-- args: worker, '1' if a wait of its may still be under way
local id, is_in_doubt = take(), take() == '1'
local own = claim_list_of(id)
local refusal = damage_reply({ own, 'list' })
if refusal then return refusal end
return_claim_list(own, 0)
if is_in_doubt then
  -- Something may still be handed to it: others look there until that is over (see recover).
  return call('ZADD', workers, 'XX', now, id)
end
call('DEL', worker .. ':' .. id)
return call('ZREM', workers, id)
