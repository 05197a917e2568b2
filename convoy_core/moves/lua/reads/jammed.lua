-- jammed: the entries that have been processing for longer than a limit, oldest first
-- keys: processing started owner
-- with: lease owner_entry ranked
-- args: 'started' for runs that stand there or 'processing' for the rest, limit ms, the rank to begin at, how many to read
-- answer: now, the rank to go on at or -1, row...; a row is ID, start ms, owner entry, whether its holder is alive
local source, limit, first, most = take(), take_number(), take_number(), take_number()
local is_indexed = source == 'started'
local read = by_rank(is_indexed and started or processing, first, is_indexed and now - limit or (now - limit) / 1000)
local window, n, is_over = read_pieces(most, 2, read)
local rows = {}
if n > 0 then
  local ids = every(2, window)
  local entries = call('HMGET', owner, unpack(ids))
  local indexed = call('ZMSCORE', started, unpack(ids))
  for i, id in ipairs(ids) do
    local entry = entries[i]
    -- A score in `processing` is rounded down to the second, which must make no run look older than it is.
    local start = is_indexed and tonumber(window[2 * i]) or start_of(entry) or window[2 * i] * 1000
    if (is_indexed or not indexed[i]) and start <= now - limit then
      rows[#rows + 1] = { id, string.format('%d', start), entry, (entry and is_live(worker_of(entry))) and 1 or 0 }
    end
  end
end
return { string.format('%d', now), is_over and -1 or first + n, rows }
