-- discard_first: the move `discard` for the head of a state, whichever IDs are there
-- flags: allow-oom
-- keys: queued delayed
-- with: forget_discarded ranked audit
-- args: by whom (see audit), state, how many at most
-- answer: how many were removed
local by, state, n = take(), take(), take_number()
local ids, words = nil, {}
if state == 'queued' then
  ids = read_pieces(n, 1, by_index(queued, 0))
  if #ids > 0 then call('LPOP', queued, #ids) end
else
  local set = state == 'delayed' and delayed or failed
  ids = every(2, (read_pieces(n, 2, by_rank(set, 0))))
  if #ids > 0 then call('ZREM', set, unpack(ids)) end
end
forget_unless_elsewhere(state, ids)
for i in ipairs(ids) do words[i] = 'discarded' end
keep_audit(by, 'discard', words, ids)
return #ids
