-- lease: whether a holder is alive
-- keys: workers
local leases = {}
local function is_live(worker)
  if leases[worker] == nil then leases[worker] = (tonumber(call('ZSCORE', workers, worker) or 0) > now) end
  return leases[worker]
end
