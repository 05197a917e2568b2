-- states: in which state each ID is
-- keys: committed delayed processing owner failed
-- args: ID...
-- answer: one letter per ID: p (processing), d (delayed), q (queued), f (failed), a (absent)
local ids = { unpack(ARGV, 2) }
local known, tokens = call('SMISMEMBER', committed, unpack(ids)), call('HMGET', owner, unpack(ids))
local running, dues = call('ZMSCORE', processing, unpack(ids)), call('ZMSCORE', delayed, unpack(ids))
local bad = call('ZMSCORE', failed, unpack(ids))
local letters = {}
for i in ipairs(ids) do
  letters[i] = (tokens[i] or running[i]) and 'p' or dues[i] and 'd' or known[i] == 1 and 'q' or bad[i] and 'f' or 'a'
end
return table.concat(letters)
