-- exchange: one round of a pool: settle what ended, then claim up to the free slots
-- flags: allow-oom
-- with: claim complete fail defer release
-- args: worker, how many to claim, number of the first claim, ms a foreign copy waits, how many claims it keeps besides,
--       how many completed, (ID, number)..., how many their handlers discarded, (ID, number)...,
--       how many failed, (ID, number, message, record, retry ms or empty)..., how many deferred, (ID, number, ms)...,
--       how many released, (ID, number)...
-- answer: numbers of the stale claims, word, IDs, attempts, failures, crashes, payloads (see claim)
local me, want, number, wait, kept = take(), take_number(), take_number(), take_number(), take_number()
local refusal = damage_reply({ claim_list_of(me), 'list', worker .. ':' .. me, 'hash' })
if refusal then return refusal end

local function take_claims(each)
  local ids, numbers, rest = {}, {}, {}
  for i = 1, take_number() do
    ids[i], numbers[i], rest[i] = take(), take(), {}
    for j = 1, each do rest[i][j] = take() end
  end
  return ids, numbers, rest
end

local stale = {}
local function settle(each, move)
  local ids, numbers, rest = take_claims(each)
  local is_held, lost, mine = split_held(me, ids, numbers)
  for _, late in ipairs(lost) do stale[#stale + 1] = late end
  move(mine, ids, rest, is_held)
end

-- What costs the store several commands an ID is done one by one.
local function each_held(move)
  return function(_, ids, rest, is_held)
    for i, id in ipairs(ids) do
      if is_held[i] then move(id, rest[i]) end
    end
  end
end

settle(0, function(mine) complete(mine, 'done') end)
settle(0, function(mine) complete(mine, 'discarded') end)
settle(3, each_held(function(id, rest) fail(id, rest[1], rest[2], tonumber(rest[3])) end))
settle(1, each_held(function(id, rest) defer(id, tonumber(rest[1])) end))
settle(0, release)
count('stale', #stale)

local answer = claim_up_to(want, me, number, wait, kept)
table.insert(answer, 1, stale)
return answer
