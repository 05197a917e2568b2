-- todays_log: the key of the log of errors
-- keys: errorLog

-- A script that fails an ID for good, or logs an error, checks the type of this key before its first write.
local function todays_log()
  local seconds = math.floor(now / 1000)
  return errorLog .. '.' .. string.format('%d', seconds - seconds % 86400)
end
