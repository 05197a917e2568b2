-- history: rows that were kept of a queue's counts and totals, oldest first
-- keys: history
-- with: damage
-- args: which list, how many of the newest rows to leave out, how many to read
local list, skip, n = history .. ':' .. take(), take_number(), take_number()
local refusal = damage_reply({ list, 'list' })
if refusal then return refusal end
return call('LRANGE', list, -skip - n, -skip - 1)
