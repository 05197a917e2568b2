-- start_anew: what was remembered about IDs that are published
-- keys: failed failures failure attempts crashes payload requests traces

-- An ID that had failed keeps its count of failures. An ID that a Node client finished may still have data of ours, but an
-- absent ID must start without any.
local function start_anew(ids)
  local absent, was_failed = {}, {}
  local scores = exists(failed) and call('ZMSCORE', failed, unpack(ids)) or {}
  for i, id in ipairs(ids) do
    if scores[i] then
      was_failed[#was_failed + 1] = id
      add(failures, id, whole(scores[i]))
    else
      absent[#absent + 1] = id
    end
  end
  if #was_failed > 0 then call('ZREM', failed, unpack(was_failed)) end
  drop_all(failures, absent)
  drop_all(failure, absent)
  for _, hash in ipairs({ attempts, crashes, payload, requests, traces }) do drop_all(hash, ids) end
end
