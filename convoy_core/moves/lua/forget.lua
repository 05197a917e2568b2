-- forget: removes the data about an ID
-- keys: committed failed published attempts failures crashes payload failure rerun

-- It becomes absent.
local function forget(ids)
  if #ids == 0 then return end
  call('SREM', committed, unpack(ids))
  if exists(failed) then call('ZREM', failed, unpack(ids)) end
  if exists(rerun) then call('SREM', rerun, unpack(ids)) end
  for _, hash in ipairs({ published, attempts, failures, crashes, payload, failure }) do drop_all(hash, ids) end
end

-- The run succeeded, so earlier failures no longer count.
local function forget_failures(ids)
  for _, hash in ipairs({ failures, crashes, failure }) do drop_all(hash, ids) end
end
