-- requeued: which IDs the requeues of one beginning have queued
-- keys: requeued
-- args: place after which to begin, or '-'; when the operation began in Unix ms; how many entries to look at
-- answer: place to go on after, or '' at the end; (when they were queued in Unix ms, by whom, ID...)...
local from, at, limit = take(), take(), take_number()
local entries, found = call('XRANGE', requeued, from == '-' and '-' or '(' .. from, '+', 'COUNT', limit), {}
for _, entry in ipairs(entries) do
  local fields = entry[2]
  if fields[4] == at then
    local row = { fields[6], fields[2] }
    for i = 8, #fields, 2 do row[#row + 1] = fields[i] end
    found[#found + 1] = row
  end
end
return { #entries == limit and entries[limit][1] or '', unpack(found) }
