-- renew: processing -> processing
-- flags: allow-oom
-- keys: committed workers worker processing started owner meta cancelling
-- with: damage claim_list owner_entry keep_durations
-- args: worker, lease ms, runs done, runs failed, runs going, concurrency (or none), what it has counted (see
--       keep_durations), (ID, claim number)...
-- answer: 'gone' when this worker is no longer registered, else the store's epoch; how many IDs were handed to it that no claim
--         has taken up; 1 if its lease had run out; then the numbers of the claims it has lost, and with a minus sign of those that
--         have been asked to end
local id, lease = take(), take_number()
local refusal = damage_reply({ worker .. ':' .. id, 'hash', claim_list_of(id), 'list' })
if refusal then return refusal end
local before = call('ZSCORE', workers, id)
if not before then return { 'gone', 0, 0 } end
call('ZADD', workers, now + lease, id)
local done, bad, running, concurrency, counted, claims = take(), take(), take(), take(), take(), take_rest()
call('HSET', worker .. ':' .. id, 'done', done, 'failed', bad, 'running', running)
if concurrency ~= '' then call('HSET', worker .. ':' .. id, 'concurrency', concurrency) end

local told, scores, ids, starts = {}, {}, {}, {}
if #claims > 0 then
  local asked = {}
  for i = 1, #claims, 2 do asked[#asked + 1] = claims[i] end
  local entries = call('HMGET', owner, unpack(asked))
  local known = exists(started) and call('ZMSCORE', started, unpack(asked)) or {}
  local marks = exists(cancelling) and call('HMGET', cancelling, unpack(asked)) or {}
  for i, job in ipairs(asked) do
    local token = id .. ':' .. claims[2 * i]
    if holds(entries[i], token) then
      if marks[i] == token then told[#told + 1] = '-' .. claims[2 * i] end
      ids[#ids + 1] = job
      scores[#scores + 1] = math.floor(now / 1000)
      scores[#scores + 1] = job
      local start = start_of(entries[i])
      if start and not known[i] then
        starts[#starts + 1] = string.format('%d', start)
        starts[#starts + 1] = job
      end
    else
      told[#told + 1] = claims[2 * i]
    end
  end
end
if #ids > 0 then
  -- The owner entry decides, so data that a Node jam guard removed from a running job is restored.
  call('ZADD', processing, unpack(scores))
  call('SADD', committed, unpack(ids))
  -- From the first heartbeat on, the score in `processing` is no longer the start, so the start is indexed in `started`.
  if #starts > 0 then call('ZADD', started, unpack(starts)) end
end
keep_durations(counted)
local had_lapsed = tonumber(before) <= now and 1 or 0
return { call('HGET', meta, 'epoch') or '', call('LLEN', claim_list_of(id)), had_lapsed, unpack(told) }
