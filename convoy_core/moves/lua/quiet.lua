-- quiet: the workers of a host, or one worker, claim nothing until that is taken back
-- flags: allow-oom
-- keys: workers barred
-- with: audit
-- args: by whom (see audit), the name of a host or the ID of a worker
-- answer: 1 if that changed anything: it was not quiet, and a worker is registered
local by, who = take(), take()
local is_worker = call('ZSCORE', workers, who)
-- That of a worker that is gone names no host.
if not is_worker and #who == 32 and not string.find(who, '[^0-9a-f]') then return 0 end
local kind = is_worker and 'worker' or 'host'
if call('HEXISTS', barred, kind .. ':' .. who) == 1 then return 0 end
call('HSET', barred, kind .. ':' .. who, string.format('%d', now))
keep_audit(by, 'quiet', { kind }, { who })
return 1
