-- request_entry: what is kept of the requests that an ID has absorbed

-- An entry is `<how many it has absorbed> <Unix ms of the first>`, and if it was asked to run once more also
-- `<how often> <Unix ms of the first>`. Once that run begins, by whatever way, it stands for all of them.
local function read_requests(entry)
  local n, first, again, since = string.match(entry or '', '^(%d+) (%d+) ?(%d*) ?(%d*)$')
  return whole(n), first, whole(again), since
end

local function write_requests(n, first, again, since)
  local entry = string.format('%d', n) .. ' ' .. first
  return again > 0 and entry .. string.format(' %d ', again) .. since or entry
end
