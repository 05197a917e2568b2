-- show: all about one ID
-- keys: queued committed delayed processing failed owner published attempts failures crashes payload rerun failure claim
-- with: lease owner_entry
-- args: ID, how deep to look for it in the list
-- answer: now, committed, whether it is in no place, position, due, processing score, start, owner entry, lease alive, failed, published, attempts, failures, crashes, rerun, failure, payload
local id, depth = take(), take_number()
local entry = call('HGET', owner, id)
local start = start_of(entry)
local is_committed = call('SISMEMBER', committed, id)
local due, score = call('ZSCORE', delayed, id), call('ZSCORE', processing, id)
-- Only an ID that can be nowhere else is searched for, since the search goes through the list.
local position = is_committed == 1 and not due and not score and call('LPOS', queued, id, 'MAXLEN', depth)
-- It may be on its way to a worker, in one of those lists. In a list too long to be searched it gets the benefit of the doubt.
local function is_handed_over()
  for _, to in ipairs(call('ZRANGE', workers, 0, 999)) do
    if type(redis.pcall('LPOS', claim .. ':' .. to, id)) == 'number' then return true end
  end
end
local function is_nowhere()
  if is_committed == 0 or due or score or entry or position then return 0 end
  return (call('LLEN', queued) > depth or is_handed_over()) and 0 or 1
end
return {
  string.format('%d', now), is_committed, is_nowhere(), position, due, score, start and string.format('%d', start), entry,
  entry and (is_live(worker_of(entry)) and 1 or 0), call('ZSCORE', failed, id), call('HGET', published, id),
  call('HGET', attempts, id), call('HGET', failures, id), call('HGET', crashes, id), call('SISMEMBER', rerun, id),
  call('HGET', failure, id), call('HGET', payload, id),
}
