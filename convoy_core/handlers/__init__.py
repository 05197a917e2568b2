"""What runs an ID: functions, commands, isolated children, and the processes that these start. Knows no store."""
