-- histories: the newest rows that were kept of many queues, each oldest first; none of a queue where they cannot be read
-- each: history
-- args: which list, how many rows
-- answer: now, then of each queue a list: its rows and, for hours, a list of the first row of its minutes and the newest of all; of the first
--         queues only, if those have used up this script's share of bytes
local list, n = take(), take_number()
local is_hourly = list == 'hours'
local left, answer = (is_hourly and 8 or 1) * BATCH_BYTES, { string.format('%d', now) } -- 100 queues have up to 2 MiB of hours

local function rows_of(key, first, last)
  local is_read, rows = pcall(call, 'LRANGE', key, first, last)
  if not is_read then return {} end
  for _, row in ipairs(rows) do left = left - #row end
  return rows
end

for i, q in ipairs(groups) do
  if left <= 0 and i > 1 then break end
  local found = { rows_of(q.history .. ':' .. list, -n, -1) }
  if is_hourly then
    local first, newest = rows_of(q.history .. ':minutes', 0, 0), rows_of(q.history .. ':seconds', -1, -1)
    found[2] = { first[1] or newest[1], newest[1] or first[1] }
  end
  answer[#answer + 1] = found
end
return answer
