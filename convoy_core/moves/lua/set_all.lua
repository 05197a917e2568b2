-- set_all: one value per ID in a hash
local function set_all(hash, ids, value)
  local pairs_ = {}
  for i, id in ipairs(ids) do
    pairs_[2 * i - 1] = id
    pairs_[2 * i] = value
  end
  if #ids > 0 then put('HSET', hash, unpack(pairs_)) end
end
