-- totals: the counters that only grow; the new value, or false where nothing was counted
-- keys: totals
local function count(name, n)
  return n > 0 and add(totals, name, n)
end
