-- exchange: one round of a pool: settle what ended, then claim up to the free slots
-- with: claim complete fail release
-- args: worker, how many to claim, number of the first claim, ms a foreign copy waits,
--       how many completed, (ID, number)..., how many failed, (ID, number, message, record, retry ms or empty)...,
--       how many released, (ID, number)...
-- answer: stale IDs, word, IDs, attempts, failures, crashes, payloads (see claim)
local me, want, number, wait = take(), take_number(), take_number(), take_number()
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
  local mine, lost = split_held(me, ids, numbers)
  for _, id in ipairs(lost) do stale[#stale + 1] = id end
  local held = {}
  for _, id in ipairs(mine) do held[id] = true end
  move(mine, ids, rest, held)
end

settle(0, complete)
settle(3, function(_, ids, rest, held)
  for i, id in ipairs(ids) do
    if held[id] then fail(id, rest[i][1], rest[i][2], tonumber(rest[i][3])) end
  end
end)
settle(0, release)
count('stale', #stale)

local answer = claim_up_to(want, me, number, wait)
table.insert(answer, 1, stale)
return answer
