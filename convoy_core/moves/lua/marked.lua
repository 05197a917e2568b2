-- marked: whether the run of an ID, by its owner entry, has been asked to end
-- keys: cancelling
-- with: owner_entry
local function is_marked(id, entry)
  local token = exists(cancelling) and call('HGET', cancelling, id)
  return token and holds(entry, token)
end
