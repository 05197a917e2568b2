-- register: a worker registers, before it may hold anything
-- flags: allow-oom
-- keys: workers worker meta
-- with: damage audit
-- args: worker, lease ms, our schema version, a new epoch, by whom it was launched (see audit), (field, value)...
-- answer: the store's epoch, the schema version found
local id, lease, schema, epoch, by = take(), take_number(), take(), take(), take()
local refusal = damage_reply({ worker .. ':' .. id, 'hash' })
if refusal then return refusal end
call('HSETNX', meta, 'schema', schema)
call('HSETNX', meta, 'epoch', epoch)
local found = call('HMGET', meta, 'epoch', 'schema')
if tonumber(found[2]) ~= tonumber(schema) then return found end
call('ZADD', workers, now + lease, id)
call('HSET', worker .. ':' .. id, 'since', now, unpack(take_rest()))
keep_audit(by, 'work', { 'launched' }, { id })
return found
