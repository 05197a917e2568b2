-- check_list: a slice of the waiting list, from its tail on, and what contradicts its entries
-- keys: queued committed delayed processing owner
-- with: ranked
-- args: how many entries at the tail to leave out, how many to read
-- answer: now, whether nothing follows, the last entry left out, one letter per ID ('.' in order, 'u' not committed, 'd' delayed or running as well), IDs
local skip, limit = take_number(), take_number()

local function from_tail(offset, n)
  local slice, ids = call('LRANGE', queued, -(skip + offset + n), -(skip + offset + 1)), {}
  for i = #slice, 1, -1 do ids[#ids + 1] = slice[i] end
  return ids
end

local ids, _, is_over = read_pieces(limit, 1, from_tail)
local before = skip > 0 and call('LINDEX', queued, -skip) or ''
if #ids == 0 then return { string.format('%d', now), 1, before, '', ids } end
local known, tokens = call('SMISMEMBER', committed, unpack(ids)), call('HMGET', owner, unpack(ids))
local dues, running = call('ZMSCORE', delayed, unpack(ids)), call('ZMSCORE', processing, unpack(ids))
local letters = {}
for i in ipairs(ids) do
  letters[i] = (dues[i] or running[i] or tokens[i]) and 'd' or known[i] == 0 and 'u' or '.'
end
return { string.format('%d', now), is_over and 1 or 0, before, table.concat(letters), ids }
