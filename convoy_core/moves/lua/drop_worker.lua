-- drop_worker: a worker leaves the roll; its claim list is looked at for a while, since a wait of its may still come (see reclaim)
-- keys: workers worker departed
local function drop_worker(id)
  call('DEL', worker .. ':' .. id)
  call('ZADD', departed, now, id)
  return call('ZREM', workers, id)
end
