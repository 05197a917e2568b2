-- drawn: some of a hash, of BATCH_BYTES at most
-- with: pieces

-- About `n` fields of a hash, drawn at random: all of them if they are no more. Their values, which may be long, are not read.
local function draw(key, n)
  local some, bytes = call('HRANDFIELD', key, FIRST), 0
  if #some < FIRST then return some end
  for _, field in ipairs(some) do bytes = bytes + #field end
  local fitting = math.min(n, math.floor(BATCH_BYTES / bytes * FIRST))
  return fitting > FIRST and call('HRANDFIELD', key, fitting) or some
end
