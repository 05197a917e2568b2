-- keep_durations: adds what a pool has counted of waits and runs to what is kept for this minute, and for this hour
-- keys: durations

-- `told` is numbers: of how many buckets the waits are, then bucket and count of each; then bucket and count of each of the runs. An
-- entry is an array in MessagePack: for which minute or hour, and then the same. There are so many places, each taken over when it is
-- its turn again: nothing has to be removed, and no more is kept than fits. What goes wrong here must not stop a heartbeat: so each
-- command is a `pcall`, and what is no entry of ours is begun anew.
local function keep_durations(told)
  if told == '' then return end

  -- The counts of waits and of runs by their buckets, from the numbers behind the first `skip`; nothing if these are none.
  local function parts_of(list, skip)
    local parts, n = { {}, {} }, list[skip + 1]
    if type(n) ~= 'number' or (#list - skip) % 2 == 0 then return end
    for i = skip + 2, #list, 2 do
      local bucket, count = list[i], list[i + 1]
      if type(bucket) ~= 'number' or type(count) ~= 'number' then return end
      local part = parts[i < skip + 2 + 2 * n and 1 or 2]
      part[bucket] = (part[bucket] or 0) + count
    end
    return parts
  end

  local numbers = {}
  for number in string.gmatch(told, '%d+') do numbers[#numbers + 1] = tonumber(number) end
  local more = parts_of(numbers, 0)
  if not more then return end

  local function add(key, time, places)
    local place = string.format('%d', time % places)
    local kept = redis.pcall('HGET', key, place) or ''
    if type(kept) ~= 'string' then return end
    local is_read, old = pcall(cmsgpack.unpack, kept)
    local sums = is_read and type(old) == 'table' and old[1] == time and parts_of(old, 1) or { {}, {} }
    local entry = { time, 0 }
    for kind, part in ipairs(more) do
      for bucket, count in pairs(part) do sums[kind][bucket] = (sums[kind][bucket] or 0) + count end
      for bucket, count in pairs(sums[kind]) do
        -- What a later release counts finer has no more room than that.
        if #entry < 402 then entry[#entry + 1], entry[#entry + 2] = bucket, math.min(count, 4294967295) end
      end
      if kind == 1 then entry[2] = (#entry - 2) / 2 end
    end
    redis.pcall('HSET', key, place, cmsgpack.pack(entry))
  end

  local minute = math.floor(now / 60000)
  add(durations .. ':minutes', minute, 61)
  add(durations .. ':hours', math.floor(minute / 60), 25)
end
