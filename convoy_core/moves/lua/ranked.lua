-- ranked: entries of a list or a zset from a rank on, to be read in pieces
-- with: pieces

local function by_index(key, first)
  return function(skip, n) return call('LRANGE', key, first + skip, first + skip + n - 1) end
end

-- The members of a zset with their scores from a rank on; if `last` is given, only those up to that score.
local function by_rank(key, first, last)
  return function(skip, n)
    local piece = call('ZRANGE', key, first + skip, first + skip + n - 1, 'WITHSCORES')
    while last and #piece > 0 and tonumber(piece[#piece]) > last do piece[#piece], piece[#piece - 1] = nil, nil end
    return piece
  end
end
