-- totals: the counters that only grow
-- keys: totals
local function count(name, n)
  if n > 0 then add(totals, name, n) end
end
