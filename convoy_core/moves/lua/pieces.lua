-- pieces: reads entries piece by piece, so that no script reads much more than BATCH_BYTES, however long IDs are

-- How many entries the next piece may have, after `n` with all but `left` of the bytes: no more than fit if they go on alike,
-- which may be none, and twice as many as before at most, since they need not.
local FIRST = 16
local function next_size(size, n, left)
  return math.max(0, math.min(2 * size, math.floor(n * left / (BATCH_BYTES - left))))
end

-- Up to `n` entries of `width` values each, by `read(skip, how many)`, of BATCH_BYTES together but at least one; the second
-- value is a number, whose bytes do not count. Returns their values, how many entries they are, and whether nothing follows.
local function read_pieces(n, width, read)
  local values, taken, size, bytes = {}, 0, FIRST, BATCH_BYTES
  while taken < n and size > 0 do
    local asked = math.min(size, n - taken)
    local piece = read(taken, asked)
    for i = 1, #piece, width do
      for j = i, i + width - 1, 2 do bytes = bytes - #piece[j] end
      if bytes < 0 and taken > 0 then return values, taken, false end
      for j = i, i + width - 1 do values[#values + 1] = piece[j] end
      taken = taken + 1
    end
    if #piece < asked * width then return values, taken, true end
    size = next_size(size, taken, bytes)
  end
  return values, taken, false
end

-- Every `width`-th of the values.
local function every(width, values)
  local some = {}
  for i = 1, #values, width do some[#some + 1] = values[i] end
  return some
end
