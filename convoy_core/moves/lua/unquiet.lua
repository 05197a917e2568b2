-- unquiet: the workers of a host, or one worker, claim again
-- flags: allow-oom
-- keys: barred
-- with: audit
-- args: by whom (see audit), the name of a host or the ID of a worker
-- answer: 1 if it was quiet
local by, who, found = take(), take(), {}
for _, kind in ipairs({ 'host', 'worker' }) do
  if call('HDEL', barred, kind .. ':' .. who) > 0 then found[1] = kind end
end
keep_audit(by, 'unquiet', found, { who })
return #found
