-- undo: what an operator has done to a queue as a whole is taken back, unless one has acted so since
-- flags: allow-oom
-- keys: audit paused
-- with: change_limits audit
-- args: dry run, by whom (see audit), the verb of the act and its place in the audit, the limits from before as set_limits takes them
-- answer: undone; overtaken if somebody has acted so since; unchanged if it is so no more
local dry, by, verb, place = take() == '1', take(), take(), take()
local kinds = verb == 'limit' and { limit = true } or { pause = true, resume = true }
for _, entry in ipairs(call('XRANGE', audit, '(' .. place, '+')) do
  if kinds[entry[2][4]] then return 'overtaken' end
end
if verb == 'limit' then return change_limits(by, take_limits(), dry) and 'undone' or 'unchanged' end
if (exists(paused) or false) ~= (verb == 'pause') then return 'unchanged' end
if dry then return 'undone' end
if verb == 'pause' then
  call('DEL', paused)
  keep_audit(by, 'resume', { 'resumed' }, {})
else
  call('SET', paused, now)
  keep_audit(by, 'pause', { 'paused' }, {})
end
return 'undone'
