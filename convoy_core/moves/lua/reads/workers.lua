-- workers: registered pools
-- keys: workers worker barred
-- args: how many to describe, worker... (or none: of all that are registered)
-- answer: now, per worker described a list: ID, lease end, fields; the IDs of the others; what bars workers from claiming
local most, ids = take_number(), take_rest()
if #ids == 0 then ids = call('ZRANGE', workers, 0, -1) end
local described, others = {}, {}
for i, id in ipairs(ids) do
  if i > most then
    others[#others + 1] = id
  else
    local lease = call('ZSCORE', workers, id)
    if lease then described[#described + 1] = { id, lease, call('HGETALL', worker .. ':' .. id) } end
  end
end
return { string.format('%d', now), described, others, exists(barred) and call('HGETALL', barred) or {} }
