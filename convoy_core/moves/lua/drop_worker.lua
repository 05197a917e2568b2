-- drop_worker: unregisters a worker; its claim list is audited for a while, since a wait of that worker may still arrive (see reclaim)
-- keys: workers worker departed
local function drop_worker(id)
  call('DEL', worker .. ':' .. id)
  call('ZADD', departed, now, id)
  return call('ZREM', workers, id)
end
