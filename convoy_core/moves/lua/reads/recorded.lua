-- recorded: a slice of the moves that a recorder has kept, oldest first
-- keys: recording
-- with: damage pieces
-- args: ID to look for or empty for all, the entry to begin after or '-', how many entries to look at
-- answer: the entry to go on after or '', then for each: its name, move, result, by, IDs
local wanted, from, limit = take(), take(), take_number()
local stream = recording .. ':moves'
local refusal = damage_reply({ stream, 'stream' })
if refusal then return refusal end
local rows, looked, size, bytes, at, is_over = {}, 0, 1, BATCH_BYTES, from, false
while looked < limit and size > 0 and not is_over do
  local asked = math.min(size, limit - looked)
  local piece = call('XRANGE', stream, at, '+', 'COUNT', asked)
  for _, entry in ipairs(piece) do
    local name, fields, ids = entry[1], entry[2], {}
    at = '(' .. name
    for i = 8, #fields, 2 do
      bytes = bytes - #fields[i]
      if wanted == '' or wanted == fields[i] then ids[#ids + 1] = fields[i] end
    end
    -- What has no ID says when the recorder was started.
    if #ids > 0 or #fields <= 6 then rows[#rows + 1] = { name, fields[2], fields[4], fields[6], ids } end
  end
  looked, is_over = looked + #piece, #piece < asked
  size = next_size(size, looked, bytes)
end
return { is_over and '' or at, rows }
