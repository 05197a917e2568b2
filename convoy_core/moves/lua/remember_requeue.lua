-- remember_requeue: which IDs a requeue has queued is kept for a week, in a stream of about a hundred entries
-- keys: requeued

-- `at` is when its operation began, or nil where the audit keeps nothing. So one can see what became of them, and take back what
-- has not run. Those that are too long are left out: of 500 IDs all that have up to 131 bytes are kept.
local function remember_requeue(by, at, ids)
  if not at then return end
  local entry, room = { 'by', by, 'at', at, 'time', string.format('%d', now) }, 65536
  for _, id in ipairs(ids) do
    if #id <= room then entry[#entry + 1], entry[#entry + 2], room = 'id', id, room - #id end
  end
  redis.pcall('XADD', requeued, 'MAXLEN', '~', 100, '*', unpack(entry))
  redis.pcall('EXPIRE', requeued, 604800)
end
