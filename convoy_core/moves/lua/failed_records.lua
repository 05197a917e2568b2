-- failed_records: the failed IDs from a rank on, each with its count and its record, which may be as long as IDs
-- keys: failed failures failure
-- with: ranked
local function failed_with_records(start)
  local from = by_rank(failed, start)
  return function(skip, n)
    local window, values = from(skip, n), {}
    local ids = every(2, window)
    local records = #ids > 0 and call('HMGET', failure, unpack(ids)) or {}
    -- Node counts anew what we have taken out of `failed` to remember it.
    local known = #ids > 0 and exists(failures) and call('HMGET', failures, unpack(ids)) or {}
    for i, id in ipairs(ids) do
      local times = known[i] and whole(known[i]) + whole(window[2 * i]) or window[2 * i]
      values[3 * i - 2], values[3 * i - 1], values[3 * i] = id, times, records[i] or ''
    end
    return values
  end
end
