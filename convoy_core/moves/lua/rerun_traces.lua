-- rerun_traces: the run that follows is linked to the publishes that asked for it alone
-- keys: traces
-- with: trace_entry
local untraced, entries = {}, {}
for i, entry in ipairs(call('HMGET', traces, unpack(again))) do
  local _, asked_again = read_traces(entry)
  if asked_again ~= '' then
    entries[#entries + 1], entries[#entries + 2] = again[i], asked_again
  else
    untraced[#untraced + 1] = again[i]
  end
end
drop_all(traces, untraced)
if #entries > 0 then call('HSET', traces, unpack(entries)) end
