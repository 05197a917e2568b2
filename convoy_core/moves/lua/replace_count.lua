-- replace_count: a counter whose old value is no count starts from what there is of one
local function replace_count(hash, field, old, n)
  local sum = whole(old) + n
  call('HSET', hash, field, string.format('%d', sum))
  return sum
end
