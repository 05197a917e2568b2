-- withdraw: queued -> failed
-- flags: allow-oom
-- keys: queued committed failed published attempts failures crashes requests
-- with: audit
-- args: dry run, by whom (see audit), when they were requeued in Unix ms, ID...
-- answer: one word per ID: failed; gone if it has run, or was asked for again or removed since
local dry, by, at, ids = take() == '1', take(), take(), take_rest()
local since, tried = call('HMGET', published, unpack(ids)), call('HMGET', attempts, unpack(ids))
local died, asked = call('HMGET', crashes, unpack(ids)), call('HMGET', requests, unpack(ids))
local known = call('HMGET', failures, unpack(ids))

-- What has never failed was not requeued, even if it was published in the very same millisecond.
-- What was requeued of late stands near the end.
local function is_there(id)
  if dry then return call('LPOS', queued, id, 'RANK', -1) end
  return call('LREM', queued, -1, id) > 0
end

local answer, moved, scores = {}, {}, {}
for i, id in ipairs(ids) do
  answer[i] = 'gone'
  if since[i] == at and known[i] and not (tried[i] or died[i] or asked[i]) and is_there(id) then
    answer[i] = 'failed'
    moved[#moved + 1] = id
    scores[#scores + 1], scores[#scores + 2] = string.format('%d', whole(known[i])), id
  end
end
if #moved > 0 and not dry then
  call('SREM', committed, unpack(moved))
  put('ZADD', failed, unpack(scores))
  drop_all(published, moved)
  drop_all(failures, moved)
  keep_audit(by, 'withdraw', answer, ids)
  if exists(recording) then
    -- here: record
    record('withdraw', 'failed', moved)
  end
end
return answer
