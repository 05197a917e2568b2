-- unregistered_holders: workers that hold IDs and are not registered
-- keys: workers owner
-- with: owner_entry
-- args: where the last scan of the owners stopped, how many to scan
-- answer: where this one stopped, '0' at the end; worker...
local scan = call('HSCAN', owner, take(), 'COUNT', take_number())
local holders, seen = {}, {}
for i = 2, #scan[2], 2 do
  local holder = start_of(scan[2][i]) and worker_of(scan[2][i])
  if holder and not seen[holder] then
    seen[holder] = true
    holders[#holders + 1] = holder
  end
end
local answer = { scan[1] }
if #holders > 0 then
  for i, lease in ipairs(call('ZMSCORE', workers, unpack(holders))) do
    if not lease then answer[#answer + 1] = holders[i] end
  end
end
return answer
