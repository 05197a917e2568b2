-- stop_recording: keeps no further move; what was recorded stays as long as it would have
-- flags: allow-oom
-- keys: recording
-- answer: 1 if it was on, else 0
if not exists(recording) then return 0 end
call('DEL', recording)
return 1
