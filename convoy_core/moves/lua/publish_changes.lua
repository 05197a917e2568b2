-- publish_changes: what a publish changes of IDs that wait already, or that will run once more
-- keys: payload delayed
-- with: set_all

-- p gives them the new payload, even if that is none; e and l move the time of the delayed ones if the new one is earlier, or
-- later. What runs keeps the payload that it began with.
local renewed, moved, due = {}, {}, now + delay
for i, id in ipairs(old) do
  local word = words[places[i]]
  if word ~= 'processing' then renewed[#renewed + 1] = id end
  local before = word == 'already_delayed' and tonumber(waiting[i])
  local is_earlier, is_later = before and due < before, before and due > before
  if is_earlier and string.find(asked, 'e', 1, true) or is_later and string.find(asked, 'l', 1, true) then
    moved[#moved + 1], moved[#moved + 2] = string.format('%d', due), id
  end
end
if string.find(asked, 'p', 1, true) then
  if content == '' then drop_all(payload, renewed) elseif #renewed > 0 then set_all(payload, renewed, content) end
end
if #moved > 0 then call('ZADD', delayed, unpack(moved)) end
