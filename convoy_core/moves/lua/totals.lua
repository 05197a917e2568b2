-- totals: the counters that only grow; returns the new value, or false if nothing was counted
-- keys: totals
local function count(name, n)
  return n > 0 and add(totals, name, n)
end
