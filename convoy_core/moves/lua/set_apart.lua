-- set_apart: queued -> delayed
-- keys: queued delayed crashes processing owner rerun

-- An ID whose workers died too often must run alone. It is delayed, so that other IDs can be claimed meanwhile.

-- How a worker treats such suspects: ms what is set apart waits, how many claims it keeps besides, '1' to take a suspect
-- before others, crashes that make a suspect, and a suspect that waits apart or nothing.
local function suspects_of(policy)
  local wait, kept, first, limit, named = string.match(policy, '^(%d+) (%d+) (%d) (%d+) (.*)$')
  return { wait = tonumber(wait), may = kept == '0', first = first == '1', limit = tonumber(limit), named = named }
end

-- The suspect that a drained worker asks for, if it was still set apart and is not a copy of a running ID.
local function take_named(suspects)
  local id = suspects.named
  if id == '' or not suspects.may or not exists(delayed) then return false end
  if call('HGET', owner, id) or call('ZSCORE', processing, id) then return false end
  return call('ZREM', delayed, id) == 1 and id
end

-- From the IDs taken from the list: a word, the IDs to claim, and the suspects that were set apart.
local function choose(ids, suspects)
  if #ids == 0 then return 'open', ids, {} end
  local counts, innocent, apart = call('HMGET', crashes, unpack(ids)), {}, {}
  for i, id in ipairs(ids) do
    local side = whole(counts[i]) >= suspects.limit and apart or innocent
    side[#side + 1] = id
  end
  local word = 'open'
  if #apart > 0 and suspects.may and (suspects.first or #innocent == 0) then
    for i = #innocent, 1, -1 do
      -- A second copy of it may have been taken for a rerun of it.
      if exists(rerun) then call('SREM', rerun, innocent[i]) end
      call('LPUSH', queued, innocent[i])
    end
    word, innocent = 'alone', { table.remove(apart, 1) }
  end
  for _, id in ipairs(apart) do
    if exists(rerun) then call('SREM', rerun, id) end
    put('ZADD', delayed, now + suspects.wait, id)
  end
  return word, innocent, apart
end
