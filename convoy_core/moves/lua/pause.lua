-- pause: our workers stop claiming
-- flags: allow-oom
-- keys: paused
-- with: audit
-- args: by whom (see audit)
if exists(paused) then return 0 end
call('SET', paused, now)
keep_audit(take(), 'pause', { 'paused' }, {})
return 1
