-- jammed: what has been processing for longer than a limit, oldest first
-- keys: processing started owner
-- with: lease
-- args: 'started' for our entries or 'processing' for Node's, limit ms, how many to skip, how many to read
-- answer: now, how many were read, row...; a row is ID, start ms, token, whether its holder is alive
local source, limit, skip, n = take(), take_number(), take_number(), take_number()
local is_ours = source == 'started'
local cutoff = is_ours and now - limit or (now - limit) / 1000
local window = call('ZRANGEBYSCORE', is_ours and started or processing, '-inf', cutoff, 'WITHSCORES', 'LIMIT', skip, n)
local ids = {}
for i = 1, #window, 2 do ids[#ids + 1] = window[i] end
local rows = {}
if #ids > 0 then
  local tokens = call('HMGET', owner, unpack(ids))
  local ours = call('ZMSCORE', started, unpack(ids))
  for i, id in ipairs(ids) do
    if is_ours or not ours[i] then
      local start = is_ours and window[2 * i] or string.format('%d', window[2 * i] * 1000)
      rows[#rows + 1] = { id, start, tokens[i], (tokens[i] and is_live(worker_of(tokens[i]))) and 1 or 0 }
    end
  end
end
return { string.format('%d', now), #ids, rows }
