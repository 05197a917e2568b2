-- sweep: drop what we remember of IDs that a Node worker has finished, which knows none of our keys
-- flags: allow-oom
-- keys: published committed failed owner
-- with: forget
-- args: where the last sweep stopped, how many to look at
-- answer: where this one stopped, '0' at the end
local scan = call('HSCAN', published, take(), 'COUNT', take_number())
local ids, over = {}, {}
for i = 1, #scan[2], 2 do ids[#ids + 1] = scan[2][i] end
if #ids > 0 then
  local busy, bad = call('SMISMEMBER', committed, unpack(ids)), call('ZMSCORE', failed, unpack(ids))
  local tokens = call('HMGET', owner, unpack(ids))
  for i, id in ipairs(ids) do
    if busy[i] == 0 and not bad[i] and not tokens[i] then over[#over + 1] = id end
  end
  forget(over)
end
return scan[1]
