-- cancel: queued, delayed -> absent
-- flags: allow-oom
-- keys: queued committed delayed processing owner failed workers departed cancelling
-- with: damage claim_list owner_entry forget totals audit
-- args: dry run, by whom (see audit), '1' if a dry run has just read these IDs in the list, ID...
-- answer: one word per ID: cancelled (it waited), cancelling (it runs, and has been asked to end), node (a Node worker runs it, which
--         cannot be asked), failed, absent, missing (committed, and in no place)
local dry, by, was_read, ids = take() == '1', take(), take() == '1', take_rest()
local entries, running = call('HMGET', owner, unpack(ids)), call('ZMSCORE', processing, unpack(ids))
local known, dues = call('SMISMEMBER', committed, unpack(ids)), call('ZMSCORE', delayed, unpack(ids))
local bad = call('ZMSCORE', failed, unpack(ids))
local words, marks, put_off, listed = {}, {}, {}, {}
for i, id in ipairs(ids) do
  if entries[i] then
    words[i] = 'cancelling'
    marks[#marks + 1], marks[#marks + 2] = id, token_of(entries[i])
  elseif running[i] then
    words[i] = 'node'
  elseif dues[i] then
    words[i] = 'cancelled'
    put_off[#put_off + 1] = id
  elseif known[i] == 1 then
    listed[#listed + 1] = i
  else
    words[i] = bad[i] and 'failed' or 'absent'
  end
end

-- ID -> the claim list in which it is, of those that were handed to a worker and not claimed yet.
local handed = {}
if #listed > 0 and not was_read then
  local lists, kinds = {}, {}
  for _, known_workers in ipairs({ workers, departed }) do
    for _, to in ipairs(call('ZRANGE', known_workers, 0, 999)) do lists[#lists + 1] = claim_list_of(to) end
  end
  if #lists > 0 and call('EXISTS', unpack(lists)) > 0 then
    for i, list in ipairs(lists) do kinds[2 * i - 1], kinds[2 * i] = list, 'list' end
    local refusal = damage_reply(kinds)
    if refusal then return refusal end
    for _, list in ipairs(lists) do
      for _, id in ipairs(exists(list) and call('LRANGE', list, 0, 999) or {}) do handed[id] = list end
    end
  end
end

local function take_from(list, id)
  if dry then return was_read or list ~= queued or call('LPOS', queued, id) end
  return call('LREM', list, 1, id) > 0
end
local over = put_off
if not dry and #put_off > 0 then call('ZREM', delayed, unpack(put_off)) end
for _, i in ipairs(listed) do
  local id = ids[i]
  words[i] = take_from(handed[id] or queued, id) and 'cancelled' or 'missing'
  if words[i] == 'cancelled' then over[#over + 1] = id end
end
if dry then return words end
local before = exists(cancelling) and call('HMGET', cancelling, unpack(ids)) or {}
if #marks > 0 then put('HSET', cancelling, unpack(marks)) end
forget(over)
count('cancelled', #over)
local done = {}
for i, word in ipairs(words) do
  local is_new = word == 'cancelled' or word == 'cancelling' and before[i] ~= token_of(entries[i])
  done[i] = is_new and word or 'gone'
end
keep_audit(by, 'cancel', done, ids)
if exists(recording) then
  -- here: record
  local asked = {}
  for i = 1, #marks, 2 do asked[#asked + 1] = marks[i] end
  record('cancel', 'absent', over)
  record('cancel', 'cancelling', asked)
end
return words
