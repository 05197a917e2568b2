-- histories: the newest rows that were kept of many queues, each oldest first; none of a queue where they cannot be read
-- each: history
-- args: which list, how many rows
-- answer: now, then the rows of each queue; of the first queues only, if those have used up this script's share of bytes
local list, n = take(), take_number()
local left, answer = BATCH_BYTES, { string.format('%d', now) }
for i, q in ipairs(groups) do
  if left <= 0 and i > 1 then break end
  local is_read, rows = pcall(call, 'LRANGE', q.history .. ':' .. list, -n, -1)
  if not is_read then rows = {} end
  for _, row in ipairs(rows) do left = left - #row end
  answer[#answer + 1] = rows
end
return answer
