-- unregistered_holders: workers that hold IDs and are not registered
-- keys: workers owner
-- with: owner_entry scanned
-- args: where the last scan of the owners stopped, how many to scan
-- answer: where this one stopped, '0' at the end; worker...
local cursor, limit = take(), take_number()
local scanned, stop = scan_pieces(limit, 2, cursor, function(from, n) return call('HSCAN', owner, from, 'COUNT', n) end)
local holders, seen = {}, {}
for i = 2, #scanned, 2 do
  local holder = start_of(scanned[i]) and worker_of(scanned[i])
  if holder and not seen[holder] then
    seen[holder] = true
    holders[#holders + 1] = holder
  end
end
local answer = { stop }
if #holders > 0 then
  for i, lease in ipairs(call('ZMSCORE', workers, unpack(holders))) do
    if not lease then answer[#answer + 1] = holders[i] end
  end
end
return answer
