-- errors: one page of the error logs of today and then yesterday, each newest first; Node clients write there too
-- keys: errorLog
-- with: damage ranked
-- args: start, how many, bytes of an entry to show
-- answer: how many there are, entry...; an entry is the Unix seconds in which its day began, text
local start, limit, clip = take_number(), take_number(), take_number()
local seconds = math.floor(now / 1000)
local today = seconds - seconds % 86400
local days = { today, today - 86400 }
local function log_of(day) return errorLog .. '.' .. string.format('%d', day) end
local refusal = damage_reply({ log_of(days[1]), 'list', log_of(days[2]), 'list' })
if refusal then return refusal end

local lengths = { call('LLEN', log_of(days[1])), call('LLEN', log_of(days[2])) }
-- The entries of both logs as one list, each before its day.
local function read(skip, n)
  local entries, before = {}, 0
  for i, day in ipairs(days) do
    local from = math.max(0, start + skip - before)
    if from < lengths[i] and #entries < 2 * n then
      for _, text in ipairs(call('LRANGE', log_of(day), from, from + n - #entries / 2 - 1)) do
        entries[#entries + 1], entries[#entries + 2] = text, day
      end
    end
    before = before + lengths[i]
  end
  return entries
end

local rows, window = {}, read_pieces(limit, 2, read)
for i = 1, #window, 2 do rows[#rows + 1] = { window[i + 1], string.sub(window[i], 1, clip) } end
return { lengths[1] + lengths[2], rows }
