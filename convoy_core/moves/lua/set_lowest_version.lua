-- set_lowest_version: workers of a lower version claim nothing
-- flags: allow-oom
-- keys: barred
-- with: audit
-- args: by whom (see audit), the version, or empty for none
-- answer: 1 if that changed anything
local by, version = take(), take()
if (call('HGET', barred, 'lowest') or '') == version then return 0 end
if version == '' then call('HDEL', barred, 'lowest') else call('HSET', barred, 'lowest', version) end
keep_audit(by, 'version', { version == '' and 'lifted' or 'set' }, { version ~= '' and version or nil })
return 1
