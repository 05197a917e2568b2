-- discard_saved: the move `discard` for IDs whose records have been saved
-- flags: allow-oom
-- keys: queued delayed
-- with: forget_discarded audit rows
-- args: by whom (see audit), state, how many entries of the list to look through, 0 for all, (ID, digest of its record)...
-- answer: per ID: discarded; gone; or its record, where another one was saved: it is discarded as well
local by, state, depth = take(), take(), take()
local set = state == 'delayed' and delayed or failed
local ids, digests = {}, {}
for at = 5, #ARGV, 2 do ids[#ids + 1], digests[#digests + 1] = ARGV[at], ARGV[at + 1] end

local scores = state == 'queued' and {} or call('ZMSCORE', set, unpack(ids))
local rows, answer, gone, words = rows_of(state, ids, scores), {}, {}, {}

local function is_taken(id)
  if state ~= 'queued' then return call('ZREM', set, id) > 0 end
  return (depth == '0' or call('LPOS', queued, id, 'MAXLEN', depth)) and call('LREM', queued, 1, id) > 0
end

local function digest_of(row)
  local parts = {}
  for i, part in ipairs(row) do parts[i] = part and string.format('%d:', #part) .. part or '-' end
  return redis.sha1hex(table.concat(parts))
end

for i, id in ipairs(ids) do
  words[i] = is_taken(id) and 'discarded' or 'gone'
  answer[i] = words[i]
  if words[i] == 'discarded' then
    gone[#gone + 1] = id
    if digest_of(rows[i]) ~= digests[i] then answer[i] = rows[i] end
  end
end
forget_unless_elsewhere(state, gone)
keep_audit(by, 'discard', words, ids)
return answer
