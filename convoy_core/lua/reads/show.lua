-- show: all about one ID
-- keys: queued committed delayed processing failed owner published attempts failures crashes payload rerun failure
-- with: lease entry
-- args: ID, how deep to look for it in the list
-- answer: now, committed, position, due, processing score, start, owner entry, lease alive, failed, published, attempts, failures, crashes, rerun, failure, payload
local id, depth = take(), take_number()
local entry = call('HGET', owner, id)
local start = start_of(entry)
local is_committed = call('SISMEMBER', committed, id)
local due, score = call('ZSCORE', delayed, id), call('ZSCORE', processing, id)
-- Only an ID that can be nowhere else is searched for, since the search goes through the list.
local position = is_committed == 1 and not due and not score and call('LPOS', queued, id, 'MAXLEN', depth)
return {
  string.format('%d', now), is_committed, position, due, score, start and string.format('%d', start), entry,
  entry and (is_live(worker_of(entry)) and 1 or 0), call('ZSCORE', failed, id), call('HGET', published, id),
  call('HGET', attempts, id), call('HGET', failures, id), call('HGET', crashes, id), call('SISMEMBER', rerun, id),
  call('HGET', failure, id), call('HGET', payload, id),
}
