-- trace_entry: what is kept of the traced publishes of an ID

-- An entry is the context of the publish that was accepted, - where that was not traced, and those of the first and the last that
-- the ID has absorbed. If it was asked to run once more, the same of those that asked stand behind a slash. Once that run
-- begins, by whatever way, it stands for all of them.
local function read_traces(entry)
  local own, again = string.match(entry or '-', '^([^/]*)/?(.*)$')
  return own, again
end

local function add_trace(some, context)
  if some == '' then return context end
  if string.sub(some, -#context) == context then return some end -- the same publish again
  return (string.match(some, '^%S+ %S+') or some) .. ' ' .. context
end
