-- entries: how many entries all keys of a queue have together, without those of workers
-- keys: queued committed delayed processing started owner rerun published payload attempts failures crashes failure cancelling requests traces
local n = call('LLEN', queued) + call('SCARD', committed) + call('SCARD', rerun)
for _, zset in ipairs({ delayed, processing, started }) do n = n + call('ZCARD', zset) end
for _, hash in ipairs({ owner, published, payload, attempts, failures, crashes, failure, cancelling, requests, traces }) do n = n + call('HLEN', hash) end
return n
