-- acknowledge: an operator knows of this queue's trouble, so that nobody need be told of it for a time
-- flags: allow-oom
-- keys: about
-- with: audit
-- args: by whom (see audit), their name, for how many ms, the health words that this covers, a note
-- answer: 1 if an acknowledgement held before
local by, who, ms, words, note = take(), take(), take_number(), take(), take()
local before = whole(exists(about) and call('HGET', about, 'until'))
local stamp, ends = string.format('%d', now), string.format('%d', now + ms)
call('HSET', about, 'until', ends, 'since', stamp, 'by', who, 'words', words, 'known', note)
keep_audit(by, 'ack', { 'acknowledged' }, {})
return before > now and 1 or 0
