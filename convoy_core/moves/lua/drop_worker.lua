-- drop_worker: unregisters a worker; its claim list is audited for a while, since a wait of that worker may still arrive (see reclaim)
-- keys: workers worker departed barred
local function drop_worker(id)
  call('DEL', worker .. ':' .. id)
  call('ZADD', departed, now, id)
  if exists(barred) then call('HDEL', barred, 'worker:' .. id) end
  return call('ZREM', workers, id)
end
