-- check_claim_lists: what was handed to workers and not claimed
-- keys: committed delayed processing owner
-- with: damage claim_list silent
-- args: ms after a lease, worker...
-- answer: per worker: its IDs, one letter per ID ('.' in order, 'o' the worker is silent, 'u' not committed, 'd' delayed or running)
local late, ids = take_number(), take_rest()

local function letters_of(handed, worker_id)
  if #handed == 0 then return '' end
  local known, tokens = call('SMISMEMBER', committed, unpack(handed)), call('HMGET', owner, unpack(handed))
  local dues, running = call('ZMSCORE', delayed, unpack(handed)), call('ZMSCORE', processing, unpack(handed))
  local letters, otherwise = {}, is_silent(worker_id, late) and 'o' or '.'
  for i in ipairs(handed) do
    letters[i] = (dues[i] or running[i] or tokens[i]) and 'd' or otherwise == '.' and known[i] == 0 and 'u' or otherwise
  end
  return table.concat(letters)
end

local kinds = {}
for i, worker_id in ipairs(ids) do kinds[2 * i - 1], kinds[2 * i] = claim_list_of(worker_id), 'list' end
local refusal = damage_reply(kinds)
if refusal then return refusal end

local answer = {}
for i, worker_id in ipairs(ids) do
  local handed = call('LRANGE', claim_list_of(worker_id), 0, 999)
  answer[i] = { handed, letters_of(handed, worker_id) }
end
return answer
