-- rerun_requests: the run that follows stands for the requests for it alone
-- keys: requests
-- with: request_entry
local gone, entries = {}, {}
for i, entry in ipairs(call('HMGET', requests, unpack(again))) do
  local _, _, asked_again, since = read_requests(entry)
  if asked_again > 1 then
    entries[#entries + 1], entries[#entries + 2] = again[i], write_requests(asked_again - 1, since, 0)
  else
    gone[#gone + 1] = again[i]
  end
end
drop_all(requests, gone)
if #entries > 0 then call('HSET', requests, unpack(entries)) end
