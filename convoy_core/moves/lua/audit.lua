-- audit: what an operator has changed is kept in a stream of about a thousand entries
-- keys: audit

local UNCHANGED = { already_committed = true, gone = true, held = true, locked = true }

-- What a chunk of the same operation has kept just now, if that is the last entry: its place and its fields. A guard that goes
-- round and round is one operation for ever, so a chunk of long ago does not count.
local function entry_before(by, verb)
  local last = redis.pcall('XREVRANGE', audit, '+', '-', 'COUNT', 1)[1]
  if not last or last[2][2] ~= by or last[2][4] ~= verb then return nil end
  if now - tonumber(string.match(last[1], '^%d+')) < 10000 then return last[1], last[2] end
end

-- `by` is JSON of who does it, or empty where nothing is to be kept; then a word, and perhaps an ID, for each that it was done to.
-- `more` are names and values to keep besides; those of the first chunk stay. The act is done already, so what goes wrong here must
-- not stop the script. Samples have a kilobyte at most. Returns when the operation began, if this was kept.
local function keep_audit(by, verb, words, ids, more)
  if by == '' then return end
  local counts, order, samples, room = {}, {}, {}, 1024
  local function tally(word, n)
    if not counts[word] then order[#order + 1] = word end
    counts[word] = (counts[word] or 0) + n
  end
  local function sample(id)
    if #samples < 10 and #id <= room then samples[#samples + 1], room = id, room - #id end
  end
  local changed = {}
  for i, word in ipairs(words) do
    if not UNCHANGED[word] then changed[#changed + 1] = i end
  end
  if #changed == 0 then return end
  local place, fields = entry_before(by, verb)
  if place then
    for word, n in string.gmatch(fields[8], '(%S+) (%d+)') do tally(word, tonumber(n)) end
    local first = {}
    for i = 10, #fields, 2 do
      if fields[i - 1] == 'id' then
        sample(fields[i])
      else
        first[#first + 1], first[#first + 2] = fields[i - 1], fields[i]
      end
    end
    if more and first[2] then more[2] = first[2] end
  end
  for _, i in ipairs(changed) do
    tally(words[i], 1)
    if ids[i] then sample(ids[i]) end
  end
  for i, word in ipairs(order) do order[i] = word .. ' ' .. string.format('%d', counts[word]) end
  local at = place and fields[6] or string.format('%d', now)
  local entry = { 'by', by, 'verb', verb, 'at', at, 'outcomes', table.concat(order, ' ') }
  for _, part in ipairs(more or {}) do entry[#entry + 1] = part end
  for _, id in ipairs(samples) do entry[#entry + 1], entry[#entry + 2] = 'id', id end
  local added = redis.pcall('XADD', audit, 'MAXLEN', '~', 1000, '*', unpack(entry))
  if place and type(added) == 'string' then redis.pcall('XDEL', audit, place) end
  return at
end
