-- requeue: failed -> queued
-- flags: allow-oom
-- keys: failed committed published attempts crashes failures requests
-- with: totals enqueue set_all audit remember_requeue
-- args: dry run, by whom (see audit), front, ID...
-- answer: one word per ID: queued, already_committed, gone
local dry, by, front, ids = take() == '1', take(), take() == '1', take_rest()
local answer, moved = {}, {}
local scores = call('ZMSCORE', failed, unpack(ids))
local busy = call('SMISMEMBER', committed, unpack(ids))
local seen = {}
for i, id in ipairs(ids) do
  if not scores[i] then
    answer[i] = 'gone'
  elseif busy[i] == 1 or seen[id] then
    answer[i] = 'already_committed'
  else
    answer[i] = 'queued'
    seen[id] = true
    moved[#moved + 1] = id
  end
  if scores[i] and not dry then
    call('ZREM', failed, id)
    add(failures, id, whole(scores[i]))
  end
end
if #moved > 0 and not dry then
  drop_all(attempts, moved)
  drop_all(crashes, moved)
  drop_all(requests, moved)
  set_all(published, moved, now)
  enqueue(moved, front)
  count('requeued', #moved)
  remember_requeue(by, keep_audit(by, 'requeue', answer, ids), moved)
  if exists(recording) then
    -- here: record
    record('requeue', 'queued', moved)
  end
end
return answer
