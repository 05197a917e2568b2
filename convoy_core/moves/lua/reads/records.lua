-- records: all that is worth keeping of named IDs that are in a state
-- keys: queued committed delayed failed
-- with: rows
-- args: state, ID...
-- answer: for the first of them, as many as one answer holds: a row (see rows), or false for one that is not in the state
local state, ids = take(), take_rest()
leave_out(ids)
local scores, there = {}, {}
if state == 'queued' then
  -- The list is searched for those alone that a Node guard may have dropped: the discard itself looks.
  local known = call('SMISMEMBER', committed, unpack(ids))
  for i, id in ipairs(ids) do there[i] = known[i] == 1 or call('LPOS', queued, id) end
else
  scores = call('ZMSCORE', state == 'delayed' and delayed or failed, unpack(ids))
  there = scores
end
local rows = rows_of(state, ids, scores)
for i in ipairs(rows) do rows[i] = there[i] and rows[i] end
return rows
