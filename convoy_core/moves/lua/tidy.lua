-- tidy: IDs that a Node worker has finished: queues those with a rerun again, and removes our data about the others
-- keys: committed processing owner failed published attempts failures crashes cancelling requests
-- with: rerun forget

-- Node counts anew what we have taken out of `failed` to remember it. The other data of a failed ID is shown with it.
local function tidy_failed(ids, scores)
  if #ids == 0 then return end
  local known = exists(failures) and call('HMGET', failures, unpack(ids)) or {}
  local rest, failed_still = queue_reruns(ids), {}
  for _, id in ipairs(rest) do failed_still[id] = true end
  for i, id in ipairs(ids) do
    local n = whole(known[i]) + whole(scores[i])
    if failed_still[id] then
      call('ZADD', failed, n, id)
    else
      call('ZREM', failed, id)
      put('HSET', failures, id, n)
    end
  end
  for _, hash in ipairs({ published, attempts, failures, crashes, cancelling, requests }) do drop_all(hash, rest) end
end

local function tidy(ids)
  if #ids == 0 then return end
  local busy, running = call('SMISMEMBER', committed, unpack(ids)), call('ZMSCORE', processing, unpack(ids))
  local tokens, bad = call('HMGET', owner, unpack(ids)), call('ZMSCORE', failed, unpack(ids))
  local seen, done, with_failures, scores = {}, {}, {}, {}
  for i, id in ipairs(ids) do
    if busy[i] == 0 and not running[i] and not tokens[i] and not seen[id] then
      seen[id] = true
      if bad[i] then
        with_failures[#with_failures + 1], scores[#scores + 1] = id, bad[i]
      else
        done[#done + 1] = id
      end
    end
  end
  tidy_failed(with_failures, scores)
  local over, again = queue_reruns(done)
  if again > 0 then forget_failures(done) end
  forget(over)
end
