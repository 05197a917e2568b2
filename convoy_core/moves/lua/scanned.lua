-- scanned: a slice of a set or a hash, in no order, of BATCH_BYTES or not much more
-- with: pieces

-- About `n` members of a set, or fields of a hash each with its value (`width` 2), by `scan(cursor, how many)`. Returns them, and
-- the cursor to go on at, '0' at the end.
local function scan_pieces(n, width, cursor, scan)
  local found, taken, size, bytes = {}, 0, FIRST, BATCH_BYTES
  repeat
    local answer = scan(cursor, math.min(size, n - taken))
    cursor = answer[1]
    for _, value in ipairs(answer[2]) do
      found[#found + 1] = value
      bytes = bytes - #value
    end
    taken = #found / width
    size = taken > 0 and next_size(size, taken, bytes) or 2 * size
  until cursor == '0' or taken >= n or size == 0
  return found, cursor
end
