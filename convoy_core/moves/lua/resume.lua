-- resume: our workers claim again
-- flags: allow-oom
-- keys: paused
-- with: audit
-- args: by whom (see audit)
if call('DEL', paused) == 0 then return 0 end
keep_audit(take(), 'resume', { 'resumed' }, {})
return 1
