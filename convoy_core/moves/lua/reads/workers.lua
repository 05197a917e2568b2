-- workers: every registered pool
-- keys: workers worker
-- answer: now, then per worker a list: ID, lease end, fields
local answer = { string.format('%d', now) }
local all = call('ZRANGE', workers, 0, -1, 'WITHSCORES')
for i = 1, #all, 2 do
  answer[#answer + 1] = { all[i], all[i + 1], call('HGETALL', worker .. ':' .. all[i]) }
end
return answer
