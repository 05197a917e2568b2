-- reclaim: IDs that late waits have handed to unregistered workers go back to the head of the queue
-- flags: allow-oom
-- keys: workers departed
-- with: damage claim_list
-- args: how many workers to skip, how many to look at, ms after which nothing can come for a worker any more
-- answer: how many to skip next time, 0 at the end; how many IDs went back
local skip, n, memory = take_number(), take_number(), take_number()
local slice = call('ZRANGE', departed, skip, skip + n - 1, 'WITHSCORES')
local gone, lists, over = {}, {}, {}
for i = 1, #slice, 2 do
  gone[#gone + 1] = slice[i]
  lists[#lists + 1] = claim_list_of(slice[i])
  if tonumber(slice[i + 1]) <= now - memory then over[#over + 1] = slice[i] end
end

local back = 0
if #gone > 0 and call('EXISTS', unpack(lists)) > 0 then
  local kinds = {}
  for i, own in ipairs(lists) do kinds[2 * i - 1], kinds[2 * i] = own, 'list' end
  local refusal = damage_reply(kinds)
  if refusal then return refusal end
  local leases = call('ZMSCORE', workers, unpack(gone))
  for i, own in ipairs(lists) do
    -- A worker that has registered again reads its own list.
    if exists(own) and not leases[i] then
      back = back + call('LLEN', own)
      return_claim_list(own, 0)
    end
  end
end
if #over > 0 then call('ZREM', departed, unpack(over)) end
return { #gone == n and skip + n - #over or 0, back }
