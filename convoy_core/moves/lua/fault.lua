-- fault: whether something is still wrong with an ID
-- keys: queued committed delayed processing started owner workers departed failed rerun published payload attempts failures crashes failure cancelling requests traces
-- with: owner_entry claim_list silent

-- How many copies of it were handed to workers that have not claimed them yet.
local function count_handed(id)
  local n = 0
  for _, known_workers in ipairs({ workers, departed }) do
    for _, to in ipairs(call('ZRANGE', known_workers, 0, 999)) do n = n + #call('LPOS', claim_list_of(to), id, 'COUNT', 0) end
  end
  return n
end

-- The places of its first copies in the list, as many as asked for; the search passes what is before them.
local function copies_of(id, n) return call('LPOS', queued, id, 'COUNT', n) end

-- Whether it is in the list. Where the caller has read all of it in vain, only what came since can be there: near its ends.
local function is_listed(id, was_read)
  if not was_read then return #copies_of(id, 1) > 0 end
  local near = 50000
  return call('LPOS', queued, id, 'MAXLEN', near) or call('LPOS', queued, id, 'RANK', -1, 'MAXLEN', near)
end

local function is_running(id) return call('HGET', owner, id) or call('ZSCORE', processing, id) end

local function is_leftover(id)
  local token = call('HGET', owner, id)
  if not token and (call('ZSCORE', started, id) or call('HEXISTS', cancelling, id) == 1) then return true end
  if is_running(id) then return false end
  if call('SISMEMBER', rerun, id) == 1 then return true end
  if call('SISMEMBER', committed, id) == 1 then return false end
  for _, hash in ipairs({ published, attempts, failures, crashes, requests }) do
    if call('HEXISTS', hash, id) == 1 then return true end
  end
  if call('ZSCORE', failed, id) then return false end
  return call('HEXISTS', payload, id) + call('HEXISTS', failure, id) + call('HEXISTS', traces, id) > 0
end

-- `letter` is o (orphaned), m (missing; M where the caller has read the list), d (duplicate), l (unlisted), u (uncommitted) or
-- x (leftover). Of an o or a d `handed_to` is the worker in whose claim list it is, or empty. Of a d the answer says where it is.
local function is_fault(letter, id, handed_to, late)
  local token = call('HGET', owner, id)
  if letter == 'o' then
    if handed_to == '' then return token and is_silent(worker_of(token), late) end
    return is_silent(handed_to, late) and call('LPOS', claim_list_of(handed_to), id)
  end
  if letter == 'l' then return token and not is_silent(worker_of(token), late) and not call('ZSCORE', processing, id) end
  if letter == 'x' then return is_leftover(id) end
  local is_committed, due = call('SISMEMBER', committed, id) == 1, call('ZSCORE', delayed, id)
  if letter == 'm' or letter == 'M' then
    local is_nowhere = is_committed and not due and not is_running(id) and not is_listed(id, letter == 'M')
    return is_nowhere and count_handed(id) == 0
  end
  if letter == 'd' and handed_to ~= '' then
    local is_handed = call('LPOS', claim_list_of(handed_to), id)
    local is_elsewhere = due or is_running(id) or count_handed(id) > 1 or #copies_of(id, 1) > 0
    return is_handed and is_elsewhere and { is_running = is_running(id) }
  elseif letter == 'd' then
    if due and is_running(id) then return { is_delayed = true, is_running = true } end
    local needed = (due or is_running(id)) and 1 or 2
    local copies = copies_of(id, needed)
    return #copies == needed and { is_delayed = due, is_running = is_running(id), place = copies[needed] }
  end
  return not is_committed and (due or is_running(id) or #copies_of(id, 1) > 0 or count_handed(id) > 0)
end
