-- request_entry: what is kept of the requests that an ID has absorbed

-- An entry is the number of those absorbed. If the first of them did not come after the publish that was accepted, its Unix ms
-- follow; and if the ID was asked to run once more, that time or 0, how often, and the Unix ms of the first. Once that run
-- begins, by whatever way, it stands for all of them.
local function read_requests(entry)
  local n, first, again, since = string.match(entry or '', '^(%d+) ?(%d*) ?(%d*) ?(%d*)$')
  return whole(n), first and first ~= '' and first or '0', whole(again), since
end

local function write_requests(n, first, again, since)
  local entry = string.format('%d', n)
  if again > 0 then return entry .. ' ' .. first .. string.format(' %d ', again) .. since end
  return first ~= '0' and entry .. ' ' .. first or entry
end
