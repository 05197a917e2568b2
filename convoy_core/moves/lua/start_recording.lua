-- start_recording: keeps each move of this queue for a time
-- keys: recording
-- with: damage
-- args: ms to go on, ms to keep what was recorded after that, bytes to keep
-- answer: 1 if it was on before, else 0
local ms, keep, limit = take_number(), take_number(), take()
local stream, counter = recording .. ':moves', recording .. ':bytes'
local refusal = damage_reply({ stream, 'stream', counter, 'string' })
if refusal then return refusal end
local was_on = exists(recording)
call('HSET', recording, 'until', string.format('%d', now + ms), 'limit', limit)
if not was_on then
  call('HSET', recording, 'since', string.format('%d', now))
  call('XADD', stream, '*', 'move', 'start_recording', 'result', '', 'by', '')
end
call('PEXPIRE', recording, string.format('%d', ms))
call('SET', counter, string.format('%d', whole(call('GET', counter))))
for _, key in ipairs({ stream, counter }) do call('PEXPIRE', key, string.format('%d', ms + keep)) end
return was_on and 1 or 0
