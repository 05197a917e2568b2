-- bye: a worker that holds nothing any more signs off; what was handed to it goes back to the head
-- flags: allow-oom
-- keys: workers worker
-- with: claim_list
-- args: worker
local id = take()
local own = claim_list_of(id)
local refusal = damage_reply({ own, 'list' })
if refusal then return refusal end
return_claim_list(own, 0)
call('DEL', worker .. ':' .. id)
return call('ZREM', workers, id)
