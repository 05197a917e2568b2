-- take_marked: of claims that are being settled, takes out those whose runs have been asked to end
-- keys: cancelling

-- Of the IDs held they are added to `marked`, with the number in `told`, and are no longer held. Returns the other IDs held.
local function take_marked(ids, held, marked, told)
  local others = {}
  for i, token in ipairs(call('HMGET', cancelling, unpack(ids))) do
    if held[i] and token == me .. ':' .. numbers[i] then
      held[i] = nil
      marked[#marked + 1], told[#told + 1] = ids[i], numbers[i]
    elseif held[i] then
      others[#others + 1] = ids[i]
    end
  end
  return others
end
