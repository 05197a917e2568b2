-- recording: whether a recorder is on, and how much it has kept
-- keys: recording
-- with: damage
-- answer: since and until in Unix ms and its limit, or nil if it is off; how many entries are kept
local stream = recording .. ':moves'
local refusal = damage_reply({ stream, 'stream' })
if refusal then return refusal end
local since, till, limit = unpack(call('HMGET', recording, 'since', 'until', 'limit'))
return { since, till, limit, call('XLEN', stream) }
