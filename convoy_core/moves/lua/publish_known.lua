-- publish_known: what a publish says of IDs that wait or run, and what it asks for them
-- keys: rerun payload

-- Of the letters in `asked`, r wants running IDs to run once more, with the new payload if there is one; for the others see
-- publish_changes.
local wants_rerun = string.find(asked, 'r', 1, true)
for i, id in ipairs(old) do
  local word = waiting[i] and 'already_delayed' or 'already_queued'
  -- A Node worker knows no rerun marks: the sweep of one of our pools queues its ID again.
  if tokens[places[i]] or running[i] then
    word = wants_rerun and 'will_rerun' or 'processing'
    if wants_rerun and not is_dry then
      if put('SADD', rerun, id) == 1 then marked[id] = true end
      if content ~= '' then put('HSET', payload, id, content) end
    end
  end
  words[places[i]] = word
end
if asked ~= '' and asked ~= 'r' and not is_dry then
  -- here: publish_changes
end
