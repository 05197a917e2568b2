-- owner_entry: an entry of the owner hash, `<token>@<Unix ms of the start>`, where the token is `<worker>:<number>`

local function holds(entry, token) return entry and string.sub(entry, 1, #token + 1) == token .. '@' end

local function token_of(entry) return string.match(entry, '^(.*)@%d+$') or entry end

local function worker_of(entry) return string.match(entry, '^(.*):%d+@%d+$') or entry end

local function start_of(entry)
  local start = whole(entry and string.match(entry, '@(%d+)$'))
  return start > 0 and start
end
