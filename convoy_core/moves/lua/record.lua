-- record: while a recorder is on, each move is kept in a stream, whose oldest entries leave when it has too many bytes
-- keys: recording

-- What goes wrong here must not stop the move, which may be half done: so each command is a `pcall`, and an answer that is no
-- number ends the record alone. `by` is the worker, if one makes the move.
local function record(move, result, ids, by)
  if #ids == 0 then return end
  local stream, counter, bytes = recording .. ':moves', recording .. ':bytes', 32
  local entry = { 'move', move, 'result', result, 'by', by or '' }
  for i, id in ipairs(ids) do
    entry[2 * i + 5], entry[2 * i + 6] = 'id', id
    bytes = bytes + 8 + #id
  end
  local total, limit = redis.pcall('INCRBY', counter, string.format('%d', bytes)), whole(redis.pcall('HGET', recording, 'limit'))
  if type(total) ~= 'number' then return end
  if total <= limit then
    redis.pcall('XADD', stream, '*', unpack(entry))
    return
  end
  -- A tenth less than it may have, so that this is not done each time. Entries count as equally long.
  local length = redis.pcall('XLEN', stream)
  if type(length) ~= 'number' then return end
  local keep = string.format('%d', math.floor(length * 0.9 * limit / total))
  redis.pcall('XADD', stream, 'MAXLEN', '~', keep, '*', unpack(entry))
  local left = redis.pcall('XLEN', stream)
  if type(left) ~= 'number' then return end
  redis.pcall('INCRBY', counter, string.format('%d', math.floor(total * math.min(1, left / (length + 1))) - total))
end
