-- end_acknowledgement: this queue's trouble is told again
-- flags: allow-oom
-- keys: about
-- with: audit
-- args: by whom (see audit)
-- answer: 1 if an acknowledgement held
if not exists(about) then return 0 end
local before = whole(call('HGET', about, 'until'))
call('HDEL', about, 'until', 'since', 'by', 'words', 'known')
if before <= now then return 0 end
keep_audit(take(), 'unack', { 'ended' }, {})
return 1
