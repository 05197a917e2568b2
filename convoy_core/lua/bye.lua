-- bye: a worker that holds nothing any more signs off; what was handed to it goes back to the head
-- keys: queued claim workers worker
-- args: worker
local id = take()
local own = claim .. ':' .. id
push_front(queued, call('LRANGE', own, 0, -1))
call('DEL', own, worker .. ':' .. id)
return call('ZREM', workers, id)
