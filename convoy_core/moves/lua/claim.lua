-- claim: queued, delayed -> processing
-- keys: queued committed delayed processing owner paused barred limits published attempts failures crashes payload rerun failure requests traces
-- with: totals claim_list

-- The last part of an exchange. The i-th ID's token is `<worker>:<number + i - 1>`. Answers the stale claims and a word (`more` if it
-- has ended by its bytes and not by `want`, `limited` if by a limit of the queue); where there is more, the IDs, `published` of the
-- first if that is known, and now; where there is more than that, the suspects set apart, and the IDs' payloads, attempts, failures,
-- crashes and requests, each empty or one per ID. Each empty list would cost the store as much as a short command.
want, number = tonumber(want), tonumber(number)
local none, word = {}, 'open'
if not lease then
  word = 'gone'
elseif want > 0 and number <= (tonumber(highest) or 0) then
  word = 'repeated'
elseif tonumber(lease) <= now then
  word = 'lapsed'
elseif present[paused] then
  word = 'paused'
elseif present[barred] then
  -- here: bars
  word = bar_of(me, record)
end
-- A request that arrives twice (a proxy, a retry), or late, must not claim under numbers whose answer nobody reads. So its
-- numbers are used up, whatever the answer is.
if want > 0 and lease and word ~= 'repeated' then call('HSET', record, 'number', string.format('%d', number + want - 1)) end
-- Whoever is gone does not read its list any more: a late wait has handed IDs to it. Nor may who is barred keep any.
if word ~= 'open' and word ~= 'lapsed' and word ~= 'repeated' then return_claim_list(own, 0) end
if word ~= 'open' then return { stale, word } end

local ids, apart, payloads, is_named, is_cut = handed, none, none, false, false
local popped, note_limit = 0, nil
if present[limits] then
  -- here: limited
end
if present[crashes] then
  -- here: set_apart
  is_named = want > 0 and take_named(suspects_of(policy))
end
if is_named then
  return_claim_list(own, 0)
  word, ids = 'alone', { is_named }
else
  -- IDs that were handed over to this worker come first, then the head of the list, as many as BATCH_BYTES allow. They are
  -- popped in pieces that grow, since nothing tells how long they are.
  if #ids > want then
    return_claim_list(own, want)
    ids = call('LRANGE', own, 0, -1)
  end
  if #ids > 0 then call('DEL', own) end
  local size, bytes = 32, BATCH_BYTES
  while #ids < want and not is_cut do
    local asked = math.min(size, want - #ids)
    local some = call('LPOP', queued, string.format('%d', asked)) or none
    for i, id in ipairs(some) do
      bytes = bytes - #id
      is_cut = bytes < 0 and #ids > 0
      if is_cut then
        for j = #some, i, -1 do call('LPUSH', queued, some[j]) end
        break
      end
      ids[#ids + 1] = id
    end
    if #some < asked then break end
    size = 2 * size
  end
  popped = #ids
  if #ids > 0 then
    local running, tokens = call('ZMSCORE', processing, unpack(ids)), call('HMGET', owner, unpack(ids))
    local seen, is_clear = {}, not present[rerun]
    for i, id in ipairs(ids) do
      if running[i] or tokens[i] or seen[id] then is_clear = false end
      seen[id] = true
    end
    if not is_clear then
      -- here: admit
      ids = admit(ids, running, tokens, tonumber(string.match(policy, '^%d+')))
    end
  end
  if present[crashes] then
    -- here: set_apart
    word, ids, apart = choose(ids, suspects_of(policy))
    if present[recording] then
      -- here: record
      record('set_apart', 'delayed', apart, me)
    end
  end
end
if present[payload] then
  -- here: carried
  local is_too_much
  payloads, is_too_much = carry(ids)
  is_cut = is_cut or is_too_much
end
if is_cut and word == 'open' then word = 'more' end
if note_limit then word = note_limit(#ids, popped, word) end
if #ids == 0 and #apart == 0 then return { stale, word } end
if #ids == 0 then return { stale, word, none, false, now, apart } end

-- Each ID gets its token and the start of its run. A small set or hash is a flat list, which the store walks for every ID. A
-- member of more than 64 bytes makes a tree or a table of it, which it remains until it is empty. So some claims bring such a
-- member and take it out at once: those that pay for it by themselves, and of the smaller ones one for every hundred IDs.
local prefix, format = me .. ':', string.format
local long = (#ids >= 20 or (now + number) % 100 < #ids) and prefix .. string.rep('.', 65)
-- Converted once: numbers would be converted to text for each ID.
local seconds, start = format('%d', math.floor(now / 1000)), '@' .. format('%d', now)
local scores, entries, to = {}, {}, 0
if long then scores[1], scores[2], entries[1], entries[2], to = seconds, long, long, '', 2 end
for i, id in ipairs(ids) do
  scores[to + 1], scores[to + 2] = seconds, id
  entries[to + 1], entries[to + 2] = id, prefix .. format('%d', number + i - 1) .. start
  to = to + 2
end
call('ZADD', processing, unpack(scores))
if long then call('ZREM', processing, long) end
call('HSET', owner, unpack(entries))
if long then call('HDEL', owner, long) end
count('adopted', call('SADD', committed, unpack(ids)))
if long then
  call('SADD', committed, long)
  call('SREM', committed, long)
  for _, hash in ipairs({ published, payload, attempts, failures, failure, requests, traces }) do
    if present[hash] then
      call('HSET', hash, long, '')
      call('HDEL', hash, long)
    end
  end
  if present[delayed] then
    call('ZADD', delayed, seconds, long)
    call('ZREM', delayed, long)
  end
end
if present[recording] then
  -- here: record
  record('claim', 'processing', ids, me)
end
-- A run that failed in this round has made such keys.
since = ids[1] == first and since
if not any_rare and not ended_otherwise then return { stale, word, ids, since, now } end
-- here: claim_rare
