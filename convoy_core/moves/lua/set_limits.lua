-- set_limits: how many runs of our workers may go at a time, and how many may begin in a time
-- flags: allow-oom
-- keys: limits
-- with: bucket wake audit
-- args: by whom (see audit), most runs, starts per period, the period in ms, the most starts at once; 0 for what is not limited
-- answer: 1 if that changed anything
local by = take()
local names, given, is_other = { 'concurrency', 'rate', 'period', 'burst' }, {}, false
local set, turns = read_limits()
for _, name in ipairs(names) do
  given[name] = take_number()
  is_other = is_other or given[name] ~= (set[name] or 0)
end
if not is_other then return 0 end

-- What has begun already counts on.
local old = bucket_of(set)
local begun = old and old.used / old.period or 0
call('HDEL', limits, 'used', 'at', unpack(names))
for _, name in ipairs(names) do
  if given[name] > 0 then call('HSET', limits, name, string.format('%d', given[name])) end
end
if begun > 0 and given.rate > 0 then
  local used = math.ceil(math.min(begun, given.burst) * given.period)
  call('HSET', limits, 'used', string.format('%d', used), 'at', string.format('%d', now))
end
if given.concurrency == 0 and given.rate == 0 then call('DEL', limits) end
for turn in pairs(turns) do wake_pool(turn) end
keep_audit(by, 'limit', { given.concurrency == 0 and given.rate == 0 and 'lifted' or 'limited' }, {})
return 1
