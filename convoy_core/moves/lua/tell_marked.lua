-- tell_marked: tells a pool which of its runs have been asked to end, and which of them have just ended so
-- keys: cancelling
-- with: drawn

-- Where many are marked it may miss some: the heartbeat asks for each of its claims.
local some = draw(cancelling, 100)
for _, token in ipairs(#some > 0 and call('HMGET', cancelling, unpack(some)) or {}) do
  if token and string.sub(token, 1, #me + 1) == me .. ':' then told[#told + 1] = string.sub(token, #me + 2) end
end
for _, its in ipairs(told) do stale[#stale + 1] = '-' .. its end
