-- publish_known: what a publish says of IDs that wait or run, and the reruns that it asks for
-- keys: rerun payload
for i, id in ipairs(old) do
  local token = tokens[places[i]]
  local word = waiting[i] and 'already_delayed' or 'already_queued'
  -- A Node worker knows no rerun marks: the sweep of one of our pools queues its ID again.
  if (token or running[i]) and wants_rerun == '1' then
    word = 'will_rerun'
    if not is_dry then
      put('SADD', rerun, id)
      if content ~= '' then put('HSET', payload, id, content) end
    end
  elseif token or running[i] then
    word = 'processing'
  end
  words[places[i]] = word
end
