-- keep_traces: the context of a traced publish stays with its IDs: those that it has queued, and those that have absorbed it
-- keys: traces
-- with: trace_entry set_all
set_all(traces, fresh, context)
if #fresh < #ids then
  local entries, changed, texts = {}, {}, call('HMGET', traces, unpack(ids))
  for i, id in ipairs(ids) do
    if words[i] ~= accepted then
      if not entries[id] then changed[#changed + 1] = id end
      local own, again = read_traces(entries[id] or texts[i])
      if words[i] ~= 'will_rerun' then
        own = add_trace(own, context)
      else
        -- What is kept of an earlier one was for the run that goes on: this one has asked for a further run.
        if marked[id] and not entries[id] then
          for earlier in string.gmatch(again, '%S+') do own = add_trace(own, earlier) end
          again = ''
        end
        again = add_trace(again, context)
      end
      entries[id] = again == '' and own or own .. '/' .. again
    end
  end
  local pairs_ = {}
  for i, id in ipairs(changed) do pairs_[2 * i - 1], pairs_[2 * i] = id, entries[id] end
  put('HSET', traces, unpack(pairs_))
end
