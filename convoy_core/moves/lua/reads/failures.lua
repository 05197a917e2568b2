-- failures: the failed IDs from a rank on, counted by what broke
-- keys: failed
-- with: failed_records
-- args: start, how many IDs, how many of each group to name
-- answer: now, total, next start or -1, group...; a group is what broke, its newest message as JSON, count, first and last ms,
--         retries, the ID of the newest, how many were in each part of the last hour, oldest part first, ID...
-- An ID whose record does not begin with what broke, as those of a script or an older release, is a group by itself: what broke
-- is then empty, the numbers are 0, and the whole record is in the place of the message.
local start, limit, named = take_number(), take_number(), take_number()

local PARTS, PART = 12, 300000

local groups, by_what = {}, {}
local function group_of(what)
  local group = by_what[what]
  if not group then
    group = { what = what, record = '', from = 1, count = 0, first = 0, last = 0, retries = 0, newest = '', recent = {}, ids = {} }
    groups[#groups + 1] = group
    if what ~= '' then by_what[what] = group end
  end
  return group
end

local window, n = read_pieces(limit, 3, failed_with_records(start))
for i = 1, #window, 3 do
  local record = window[i + 2]
  local at, what, attempt, from = string.match(record, '^{"at":([%d.]+), ?"group": ?"([^"\\]+)", ?"attempt": ?(%d+), ?"error": ?()"')
  local group, ms = group_of(what or ''), whole((tonumber(at) or 0) * 1000)
  group.count = group.count + 1
  group.retries = group.retries + math.max(0, whole(attempt) - 1)
  if group.count == 1 or ms < group.first then group.first = ms end
  if ms >= group.last then group.last, group.record, group.from, group.newest = ms, record, from, window[i] end
  local part = PARTS - math.floor((now - ms) / PART)
  if ms <= now and part >= 1 then group.recent[part] = (group.recent[part] or 0) + 1 end
  if #group.ids < named then group.ids[#group.ids + 1] = window[i] end
end

-- The JSON string that begins at a place of the record: up to the next quote that no backslash stands before.
local function string_at(record, from)
  local to = from + 1
  while true do
    to = string.find(record, '["\\]', to)
    if not to then return '""' end
    if string.sub(record, to, to) == '"' then return string.sub(record, from, to) end
    to = to + 2
  end
end

local rows = {}
for i, group in ipairs(groups) do
  local last, retries = string.format('%d', group.last), string.format('%d', group.retries)
  local message = group.what == '' and group.record or string_at(group.record, group.from)
  for part = 1, PARTS do group.recent[part] = string.format('%d', group.recent[part] or 0) end
  local recent, first = table.concat(group.recent, ' '), string.format('%d', group.first)
  rows[i] = { group.what, message, group.count, first, last, retries, group.newest, recent, unpack(group.ids) }
end
local total = call('ZCARD', failed)
return { string.format('%d', now), total, n > 0 and start + n < total and start + n or -1, unpack(rows) }
