-- unregister: unregisters a worker that holds nothing; IDs that were handed to it go back to the head
-- flags: allow-oom
-- keys: workers worker
-- with: damage claim_list drop_worker keep_durations
-- args: worker, '1' if a wait of its may still be under way, the number that its last fence noted, what it has counted since its
--       last heartbeat (see keep_durations)
-- answer: 1, or 0 and nothing done if the fence was lost, since it may then hold more than was read
local id, is_in_doubt, number, counted = take(), take() == '1', take_number(), take()
local own, record = claim_list_of(id), worker .. ':' .. id
local refusal = damage_reply({ own, 'list', record, 'hash' })
if refusal then return refusal end
local is_registered = call('ZSCORE', workers, id)
-- A store with older data does not have this fence: its claims of this worker were not read.
if is_registered and whole(call('HGET', record, 'number')) < number then return 0 end
return_claim_list(own, 0)
keep_durations(counted)
if not is_registered then return 1 end
if is_in_doubt then
  -- IDs may still be handed to it: other workers audit its claim list until that is over (see recover).
  call('ZADD', workers, 'XX', now, id)
else
  drop_worker(id)
end
return 1
