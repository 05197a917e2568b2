-- show: all about one ID
-- keys: queued committed delayed processing failed started owner published attempts failures crashes payload rerun failure
-- with: lease
-- args: ID, how deep to look for it in the list
-- answer: now, committed, position, due, processing score, start, token, lease alive, failed, published, attempts, failures, crashes, rerun, failure, payload
local id, depth = take(), take_number()
local token = call('HGET', owner, id)
local is_committed = call('SISMEMBER', committed, id)
local due, score = call('ZSCORE', delayed, id), call('ZSCORE', processing, id)
-- Only an ID that can be nowhere else is searched for, since the search goes through the list.
local position = is_committed == 1 and not due and not score and call('LPOS', queued, id, 'MAXLEN', depth)
return {
  string.format('%d', now), is_committed, position, due, score, call('ZSCORE', started, id), token,
  token and (is_live(worker_of(token)) and 1 or 0), call('ZSCORE', failed, id), call('HGET', published, id),
  call('HGET', attempts, id), call('HGET', failures, id), call('HGET', crashes, id), call('SISMEMBER', rerun, id),
  call('HGET', failure, id), call('HGET', payload, id),
}
