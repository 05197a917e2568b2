-- silent: workers whose lease has run out
-- keys: workers
-- args: how many at most
-- answer: worker...
return call('ZRANGEBYSCORE', workers, '-inf', string.format('%d', now), 'LIMIT', 0, take_number())
