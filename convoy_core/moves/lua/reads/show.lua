-- show: all data about one ID
-- keys: queued committed delayed processing failed owner published attempts failures crashes payload rerun failure claim requests traces
-- with: lease owner_entry marked
-- args: ID, how deep to look for it in the list
-- answer: now, committed, whether it is in no state, position, due, processing score, start, owner entry, lease alive, failed, published, attempts, failures, crashes, rerun, failure, payload, asked to end, requests, traces
local id, depth = take(), take_number()
local entry = call('HGET', owner, id)
local start = start_of(entry)
local is_committed = call('SISMEMBER', committed, id)
local due, score = call('ZSCORE', delayed, id), call('ZSCORE', processing, id)
-- Only an ID that is in no other state is searched for, since the search reads the list.
local position = is_committed == 1 and not due and not score and call('LPOS', queued, id, 'MAXLEN', depth)
-- It may be in the claim list of a worker. In a list that is too long to search it counts as present.
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
  call('HGET', failure, id), call('HGET', payload, id), is_marked(id, entry) and 1 or 0,
  call('HGET', requests, id), call('HGET', traces, id),
}
