-- bucket: the limits of a queue, and the token bucket that says how many runs may begin
-- keys: limits

-- What was set, by name; and since when which pools wait, by field.
local function read_limits()
  local flat, set, turns = call('HGETALL', limits), {}, {}
  for i = 1, #flat, 2 do
    local into = string.sub(flat[i], 1, 5) == 'turn:' and turns or set
    into[flat[i]] = whole(flat[i + 1])
  end
  return set, turns
end

-- It counts in whole numbers: a start takes `period` units, and `rate` units come back in each ms. `used` is what was missing from
-- the full bucket at the time `at`. There is none where nothing limits the starts.
local function bucket_of(set)
  local rate, period, burst = set.rate or 0, set.period or 0, set.burst or 0
  if rate == 0 or period == 0 or burst == 0 then return nil end
  local used = (set.used or 0) - math.max(0, now - (set.at or 0)) * rate
  return { rate = rate, period = period, size = burst * period, used = math.max(0, used) }
end

-- How many runs may begin now.
local function starts_left(bucket)
  return bucket and math.max(0, math.floor((bucket.size - bucket.used) / bucket.period)) or math.huge
end

-- After how many ms the n-th run from now may.
local function ms_until_start(bucket, n)
  return bucket and math.max(0, math.ceil((bucket.used + n * bucket.period - bucket.size) / bucket.rate)) or 0
end
