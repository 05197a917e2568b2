-- sweep: checks a slice of our data, and removes that of IDs which a Node worker has finished, since Node knows none of our keys
-- flags: allow-oom
-- with: tidy scanned drawn
-- args: how many to look at in each key, the key to begin with, where the last sweep stopped in each (or nothing, to begin)
-- answer: the key to go on with, 0 when each had its turn; where this one stopped in each, '0' at the end
local limit, at = take_number(), take_number()
local keys, stops = { rerun, published, attempts, failures, crashes, payload, failure, cancelling, requests, traces }, {}
for i in ipairs(keys) do stops[i] = take() or '0' end

-- Payloads and records may be long, so from these two the IDs alone are drawn.
local function slice_of(key, from)
  if key == payload or key == failure then return draw(key, limit), '0' end
  if key == rerun then
    return scan_pieces(limit, 1, from, function(at, n) return call('SSCAN', key, at, 'COUNT', n) end)
  end
  local found, stop = scan_pieces(limit, 2, from, function(at, n) return call('HSCAN', key, at, 'COUNT', n) end)
  return every(2, found), stop
end

-- No key after the first is begun once enough was looked at: its turn comes with the next script.
local looked, bytes = 0, 0
while keys[at] and looked < limit and bytes < BATCH_BYTES / 2 do
  local key, ids = keys[at], {}
  if exists(key) then ids, stops[at] = slice_of(key, stops[at]) else stops[at] = '0' end
  tidy(ids)
  looked = looked + #ids
  for _, id in ipairs(ids) do bytes = bytes + #id end
  at = at + 1
end
return { keys[at] and at or 0, unpack(stops) }
