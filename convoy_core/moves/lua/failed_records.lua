-- failed_records: the failed IDs from a rank on, each with its score and its record, which may be as long as IDs
-- keys: failed failure
-- with: ranked
local function failed_with_records(start)
  local from = by_rank(failed, start)
  return function(skip, n)
    local window, values = from(skip, n), {}
    local ids = every(2, window)
    local records = #ids > 0 and call('HMGET', failure, unpack(ids)) or {}
    for i, id in ipairs(ids) do
      values[3 * i - 2], values[3 * i - 1], values[3 * i] = id, window[2 * i], records[i] or ''
    end
    return values
  end
end
