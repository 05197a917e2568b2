-- scanned: a slice of a set or a hash, in no order, of BATCH_BYTES or not much more
-- with: pieces

-- About `n` members of a set, or fields of a hash with their values, from a cursor on. Returns them, and the cursor to go on
-- at, '0' at the end.
local function scan_pieces(command, key, cursor, n)
  local found, taken, size, bytes = {}, 0, FIRST, BATCH_BYTES
  local width = command == 'HSCAN' and 2 or 1
  repeat
    local scan = call(command, key, cursor, 'COUNT', math.min(size, n - taken))
    cursor = scan[1]
    for _, value in ipairs(scan[2]) do
      found[#found + 1] = value
      bytes = bytes - #value
    end
    taken = #found / width
    size = taken > 0 and next_size(size, taken, bytes) or 2 * size
  until cursor == '0' or taken >= n or bytes < 0
  return found, cursor
end

-- About `n` fields of a hash, drawn at random: all of them if they are no more. Their values, which may be long, are not read.
local function draw(key, n)
  local some, bytes = call('HRANDFIELD', key, FIRST), 0
  if #some < FIRST then return some end
  for _, field in ipairs(some) do bytes = bytes + #field end
  local fitting = math.min(n, math.floor(BATCH_BYTES / bytes * FIRST))
  return fitting > FIRST and call('HRANDFIELD', key, fitting) or some
end
