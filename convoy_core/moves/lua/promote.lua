-- promote: delayed -> queued
-- flags: allow-oom
-- keys: delayed processing crashes published
-- with: enqueue ranked
-- args: how many at most, ms a copy of a running ID waits on, crashes that make a suspect
-- answer: how many moved, ms until the next is due or -1
local limit, wait, suspect = take_number(), take_number(), take_number()
local entries = read_pieces(limit, 2, by_rank(delayed, 0, now))
local due, ready, dues, suspects = every(2, entries), {}, {}, {}
if #due > 0 then
  local running = call('ZMSCORE', processing, unpack(due))
  local crashed = exists(crashes) and call('HMGET', crashes, unpack(due)) or {}
  for i, id in ipairs(due) do
    -- Delayed and processing: a copy that claim delayed while a Node worker runs the ID.
    if running[i] then
      put('ZADD', delayed, now + wait, id)
    elseif crashed[i] and whole(crashed[i]) >= suspect then
      suspects[#suspects + 1] = id
    else
      ready[#ready + 1], dues[#dues + 1] = id, entries[2 * i]
    end
  end
end
-- They are in line since they were due, which is later than when they were accepted: that is noted behind a dot.
if #ready > 0 and exists(published) then
  local times = {}
  for i, time in ipairs(call('HMGET', published, unpack(ready))) do
    local accepted = time and string.match(time, '^%d+')
    if accepted and tonumber(dues[i]) > tonumber(accepted) then
      times[#times + 1], times[#times + 2] = ready[i], accepted .. '.' .. string.format('%d', dues[i])
    end
  end
  if #times > 0 then call('HSET', published, unpack(times)) end
end
enqueue(ready)
-- They were set apart at the head, so the next pool to claim sees them.
enqueue(suspects, true)
if exists(recording) then
  -- here: record
  record('promote', 'queued', ready)
  record('promote', 'queued', suspects)
end
local following = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
return { #ready + #suspects, following[2] and math.max(0, following[2] - now) or -1 }
