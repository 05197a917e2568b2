-- sweep: checks a slice of our data, and removes that of IDs which a Node worker has finished, since Node knows none of our keys
-- flags: allow-oom
-- with: tidy
-- args: how many to look at in each key, where the last sweep stopped in each (or nothing, to begin)
-- answer: where this one stopped in each, '0' at the end
local limit, stops = take_number(), {}
for i, key in ipairs({ rerun, published, attempts, failures, crashes, payload, failure }) do
  local from, ids = take() or '0', {}
  stops[i] = '0'
  if exists(key) then
    local is_set = key == rerun
    local scan = is_set and call('SSCAN', key, from, 'COUNT', limit) or call('HSCAN', key, from, 'COUNT', limit)
    for j = 1, #scan[2], is_set and 1 or 2 do ids[#ids + 1] = scan[2][j] end
    stops[i] = scan[1]
    tidy(ids)
  end
end
return stops
