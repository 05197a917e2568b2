-- describe: who answers for this queue, where it is told what to do, and a note
-- flags: allow-oom
-- keys: about
-- with: audit
-- args: by whom (see audit), (field, value)...; an empty value takes the field away
-- answer: 1 if that changed anything
local by, given, changed = take(), take_rest(), {}
for i = 1, #given, 2 do
  local field, value = given[i], given[i + 1]
  if (call('HGET', about, field) or '') ~= value then
    changed[#changed + 1] = field
    if value == '' then call('HDEL', about, field) else call('HSET', about, field, value) end
  end
end
keep_audit(by, 'describe', changed, {})
return #changed > 0 and 1 or 0
