-- exchange: one round of a pool: settle what ended, then claim up to the free slots
-- flags: allow-oom
-- proven: workers
-- with: claim complete
-- args: worker, how many to claim, number of the first claim, ms what is set apart waits, how many claims it keeps besides,
--       '1' to take a suspect before others, a suspect that waits apart or empty, crashes that make a suspect,
--       how many completed, (ID, number)..., how many their handlers discarded, (ID, number)...,
--       how many failed, (ID, number, message, record, retry ms or empty)..., how many deferred, (ID, number, ms)...,
--       how many released, (ID, number)...
-- answer: numbers of the stale claims, word, IDs, attempts, failures, crashes, payloads, suspects set apart (see claim)
local me, want, number, wait, kept, takes_suspect, named, limit = take(8)
want, number, wait = tonumber(want), tonumber(number), tonumber(wait)
local suspects = { may = kept == '0', first = takes_suspect == '1', named = named, limit = tonumber(limit) }

-- Each claim with its further arguments, if there are any.
local function take_claims(each)
  local n, ids, numbers, rest = take_number(), {}, {}, {}
  for i = 1, n do
    ids[i], numbers[i] = take(2)
    if each > 0 then rest[i] = { take(each) } end
  end
  return { ids = ids, numbers = numbers, rest = rest }
end
local completed, discarded, failing = take_claims(0), take_claims(0), take_claims(3)
local deferred, released = take_claims(1), take_claims(0)

local claimer = claimer_of(me) -- before the first write, so that a key of a wrong type stops the script with nothing done
local stale = {}
local function settle(claims, move)
  if #claims.ids == 0 then return end
  local is_held, lost, mine = split_held(me, claims.ids, claims.numbers)
  for _, late in ipairs(lost) do stale[#stale + 1] = late end
  move(mine, claims, is_held)
end

local settle_rest
if #discarded.ids + #failing.ids + #deferred.ids + #released.ids > 0 then
  -- here: damage fail defer release
  local refusal = #failing.ids > 0 and damage_reply({ todays_log(), 'list' })
  if refusal then return refusal end

  -- Moves that need several commands per ID are made one by one.
  local function each_held(move)
    return function(_, claims, is_held)
      for i, id in ipairs(claims.ids) do
        if is_held[i] then move(id, claims.rest[i]) end
      end
    end
  end
  function settle_rest()
    settle(discarded, function(mine) complete(mine, 'discarded') end)
    settle(failing, each_held(function(id, rest) fail(id, rest[1], rest[2], tonumber(rest[3])) end))
    settle(deferred, each_held(function(id, rest) defer(id, tonumber(rest[1])) end))
    settle(released, release)
  end
end

settle(completed, function(mine) complete(mine, 'done') end)
if settle_rest then settle_rest() end
count('stale', #stale)

local answer = claim_up_to(want, claimer, number, wait, suspects)
table.insert(answer, 1, stale)
return answer
