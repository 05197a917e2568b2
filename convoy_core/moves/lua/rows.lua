-- rows: all that is worth keeping of IDs, a row for each
-- keys: published payload attempts failures crashes failure requests traces

-- A row is ID, due, published, attempts, failures, crashes, payload, record, requests, traces; `scores` are those in the state.
local function rows_of(state, ids, scores)
  local function column(hash) return #ids > 0 and exists(hash) and call('HMGET', hash, unpack(ids)) or {} end
  local times, tried, failed_before, died = column(published), column(attempts), column(failures), column(crashes)
  local contents, records, absorbed, contexts, rows = column(payload), column(failure), column(requests), column(traces), {}
  for i, id in ipairs(ids) do
    local due = state == 'delayed' and scores[i]
    local n = state == 'failed' and string.format('%d', whole(scores[i]) + whole(failed_before[i])) or failed_before[i] or false
    rows[i] = {
      id, due, times[i] or false, tried[i] or false, n, died[i] or false, contents[i] or false, records[i] or false,
      absorbed[i] or false, contexts[i] or false,
    }
  end
  return rows
end

-- Removes the IDs at the end whose payloads and records are too much for one answer, and returns them.
local function leave_out(ids)
  local bytes, rest = BATCH_BYTES, {}
  if not exists(payload) and not exists(failure) then return rest end
  for i, id in ipairs(ids) do
    bytes = bytes - call('HSTRLEN', payload, id) - call('HSTRLEN', failure, id)
    if bytes < 0 and i > 1 then
      for _ = i, #ids do table.insert(rest, 1, table.remove(ids)) end
      break
    end
  end
  return rest
end
