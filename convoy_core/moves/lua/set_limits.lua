-- set_limits: how many runs of our workers may go at a time, and how many may begin in a time
-- flags: allow-oom
-- with: change_limits
-- args: by whom (see audit), most runs, starts per period, the period in ms, the most starts at once; 0 for what is not limited
-- answer: 1 if that changed anything
local by = take()
return change_limits(by, take_limits(), false) and 1 or 0
