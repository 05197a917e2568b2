-- limits: what limits a queue
-- keys: limits
-- answer: most runs, starts per period, the period in ms, the most starts at once; nothing for what is not limited
return call('HMGET', limits, 'concurrency', 'rate', 'period', 'burst')
