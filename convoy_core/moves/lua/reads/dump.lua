-- dump: some IDs of a state, with all that is worth moving to another store
-- keys: queued delayed processing failed
-- with: ranked scanned rows
-- args: state, how many at most, where to go on (as the last answer said, or two empty values), IDs that were left out...
-- answer: where to go on, as two values, the first of them empty at the end; IDs left out since too many bytes go with them;
--         row... (see rows)
local state, limit, last, mark = take(), take_number(), take(), take()
local asked_again = take_rest()

-- The place in the list after the last ID that was read. What has left at the head since then, or come at the tail, has moved
-- it: by the first to the place before which `read` IDs stand, less those gone, by the second from the one after which `beyond` stand.
local MOVED = 2000
local function place_after(id, read, beyond)
  local at = math.min(tonumber(read), call('LLEN', queued) - beyond)
  if at <= 0 then return 0 end
  if call('LINDEX', queued, at - 1) == id then return at end
  local function towards_head(skip, n)
    local backward = {}
    if skip >= at then return backward end
    local slice = call('LRANGE', queued, math.max(0, at - skip - n), at - skip - 1)
    for i = #slice, 1, -1 do backward[#backward + 1] = slice[i] end
    return backward
  end
  local before, n = read_pieces(MOVED, 1, towards_head)
  for i, other in ipairs(before) do
    if other == id then return at - i + 1 end
  end
  return at - n
end

-- The rank after it, or after all that were before it.
local function rank_after(set, id, score)
  if call('ZSCORE', set, id) == score then return call('ZRANK', set, id) + 1 end
  return call('ZCOUNT', set, '-inf', '(' .. score)
end

local function still_running(ids)
  local some = {}
  for i, score in ipairs(#ids > 0 and call('ZMSCORE', processing, unpack(ids)) or {}) do
    if score then some[#some + 1] = ids[i] end
  end
  return some
end

local ids, scores, rest, to, to_mark = {}, {}, {}, '', ''
if state == 'processing' then
  -- Heartbeats change the ranks there.
  to = last
  if #asked_again > 0 then
    ids = still_running(asked_again)
  else
    local found
    found, to = scan_pieces(limit, 2, last == '' and '0' or last, function(from, n)
      return call('ZSCAN', processing, from, 'COUNT', n)
    end)
    ids = every(2, found)
    if to == '0' then to = '' end
  end
  rest = leave_out(ids)
else
  local _, is_over
  if state == 'queued' then
    local read, beyond = string.match(mark, '^(%d+) (%d+)$')
    local first = read and place_after(last, read, beyond) or 0
    ids, _, is_over = read_pieces(limit, 1, by_index(queued, first))
    is_over = #leave_out(ids) == 0 and is_over
    to_mark = string.format('%d %d', first + #ids, call('LLEN', queued) - first - #ids)
  else
    local set, window = state == 'delayed' and delayed or failed, nil
    window, _, is_over = read_pieces(limit, 2, by_rank(set, last == '' and 0 or rank_after(set, last, mark)))
    ids = every(2, window)
    is_over = #leave_out(ids) == 0 and is_over
    for i in ipairs(ids) do scores[i] = window[2 * i] end
    to_mark = scores[#ids] or ''
  end
  if not is_over then to = ids[#ids] or '' end
end

return { to, to_mark, rest, rows_of(state, ids, scores) }
