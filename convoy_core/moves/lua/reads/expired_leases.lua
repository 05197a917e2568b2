-- expired_leases: workers whose lease has run out
-- keys: workers
-- args: how many to skip, how many at most
-- answer: the store's time in Unix ms, worker...
local expired = call('ZRANGEBYSCORE', workers, '-inf', string.format('%d', now), 'LIMIT', take_number(), take_number())
return { now, unpack(expired) }
