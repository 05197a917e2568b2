-- errors: one page of the error logs of today and then yesterday, each newest first; Node clients write there too
-- keys: errorLog
-- with: damage
-- args: start, how many, bytes of an entry to show
-- answer: how many there are, entry...; an entry is the Unix seconds in which its day began, text
local start, limit, clip = take_number(), take_number(), take_number()
local seconds = math.floor(now / 1000)
local today = seconds - seconds % 86400
local days = { today, today - 86400 }
local function log_of(day) return errorLog .. '.' .. string.format('%d', day) end
local refusal = damage_reply({ log_of(days[1]), 'list', log_of(days[2]), 'list' })
if refusal then return refusal end

local total, rows = 0, {}
for _, day in ipairs(days) do
  local n, skip = call('LLEN', log_of(day)), math.max(0, start - total)
  if skip < n and #rows < limit then
    for _, text in ipairs(call('LRANGE', log_of(day), skip, skip + limit - #rows - 1)) do
      rows[#rows + 1] = { day, string.sub(text, 1, clip) }
    end
  end
  total = total + n
end
return { total, rows }
