-- durations: how long the IDs of many queues waited and ran, as was kept (see keep_durations); nothing of a queue where it cannot be read
-- each: durations
-- answer: now, then of each queue a list of places and entries for minutes, and one for hours; of the first queues only, if those have
--         used up this script's share of bytes
local left, answer = BATCH_BYTES, { string.format('%d', now) }

local function entries_of(key)
  local is_read, entries = pcall(call, 'HGETALL', key)
  if not is_read then return {} end
  for _, part in ipairs(entries) do left = left - #part end
  return entries
end

for i, q in ipairs(groups) do
  if left <= 0 and i > 1 then break end
  answer[#answer + 1] = { entries_of(q.durations .. ':minutes'), entries_of(q.durations .. ':hours') }
end
return answer
