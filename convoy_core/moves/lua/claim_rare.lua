-- claim_rare: what else a claim writes and answers where keys exist that most queues do not have
-- keys: failed failures attempts crashes

-- A Node publisher leaves the ID in `failed`. What it counted there is kept until the run has ended, with what we remember.
for i, score in ipairs(exists(failed) and call('ZMSCORE', failed, unpack(ids)) or none) do
  if score then
    call('ZREM', failed, ids[i])
    add(failures, ids[i], whole(score))
  end
end
local function column(hash) return exists(hash) and call('HMGET', hash, unpack(ids)) or none end
return { stale, word, ids, column(attempts), column(failures), column(crashes), payloads, apart }
