-- claim_list: the IDs that BLMOVE has handed to a worker and that no claim has taken yet
-- keys: claim queued
local function claim_list_of(worker) return claim .. ':' .. worker end

-- All but the first `keep` go back to the head of the queue, in their order.
local function return_claim_list(own, keep)
  for _ = keep + 1, call('LLEN', own) do call('LMOVE', own, queued, 'RIGHT', 'LEFT') end
end
