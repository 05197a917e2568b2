-- claim_rare: what else a claim writes and answers where keys exist that most queues do not have
-- keys: failed failures attempts crashes requests published traces

-- A Node publisher leaves the ID in `failed`. What it counted there is kept until the run has ended, with what we remember.
for i, score in ipairs(exists(failed) and call('ZMSCORE', failed, unpack(ids)) or none) do
  if score then
    call('ZREM', failed, ids[i])
    add(failures, ids[i], whole(score))
  end
end
local function column(hash) return exists(hash) and call('HMGET', hash, unpack(ids)) or none end
local asked = column(requests)
-- When an ID was accepted counts where more than that publish stands behind its run.
local times = #asked > 0 and call('HMGET', published, unpack(ids)) or none
for i, entry in ipairs(asked) do asked[i] = entry and entry .. '@' .. (times[i] or '') end
return { stale, word, ids, since, now, apart, payloads, column(attempts), column(failures), column(crashes), asked, column(traces) }
