-- check_ids: whether what was wrong is still wrong
-- with: fault
-- args: ms after a lease, (letter, ID, worker or empty)...
-- answer: '1' or '0' for each
local late, suspects = take_number(), take_rest()
local answer = {}
for i = 1, #suspects, 3 do
  answer[#answer + 1] = is_fault(suspects[i], suspects[i + 1], suspects[i + 2], late) and 1 or 0
end
return answer
