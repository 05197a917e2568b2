-- forget: removes the data about an ID
-- keys: committed failed published attempts failures crashes payload failure rerun cancelling requests traces

-- What most IDs never had.
local function forget_rest(ids)
  if exists(failed) then call('ZREM', failed, unpack(ids)) end
  if exists(rerun) then call('SREM', rerun, unpack(ids)) end
  for _, hash in ipairs({ attempts, failures, crashes, payload, failure, cancelling, requests, traces }) do drop_all(hash, ids) end
end

-- It becomes absent.
local function forget(ids)
  if #ids == 0 then return end
  call('SREM', committed, unpack(ids))
  drop_all(published, ids)
  forget_rest(ids)
end

-- The run succeeded, so earlier failures no longer count.
local function forget_failures(ids)
  for _, hash in ipairs({ failures, crashes, failure }) do drop_all(hash, ids) end
end
