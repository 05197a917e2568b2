-- audited: entries of the audit of a queue, oldest first
-- keys: audit
-- args: place after which to begin, or '-'; only those of the last so many ms, or -1; how many
-- answer: place to go on after, or '' at the end; (place, (field, value)...)...
local from, ms, limit = take(), take_number(), take_number()
if from ~= '-' then
  from = '(' .. from
elseif ms >= 0 then
  from = string.format('%d', math.max(0, now - ms))
end
local entries = call('XRANGE', audit, from, '+', 'COUNT', limit)
return { #entries == limit and entries[limit][1] or '', unpack(entries) }
