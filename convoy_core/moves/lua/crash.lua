-- crash: a run ended without a verdict; the third time the ID fails instead of being queued again
-- keys: crashes
-- with: rerun fail_for_good

-- Returns 'queue' if the caller must queue the ID again, 'queued' if a rerun did, or 'failed'.
local function charge_crash(id, limit, what)
  local n = add(crashes, id, 1)
  if n < limit then return 'queue' end
  local message = what .. ' ' .. n .. ' times in a row'
  local record = cjson.encode({ error = message })
  local _, again = queue_reruns({ id })
  if again == 1 then
    remember_failures({ id }, { message }, { record })
    return 'queued'
  end
  fail_for_good(id, message, record)
  return 'failed'
end
