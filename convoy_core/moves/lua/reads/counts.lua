-- counts: how many IDs are in each state
-- keys: queued committed processing failed delayed
return { call('LLEN', queued), call('SCARD', committed), call('ZCARD', processing), call('ZCARD', failed), call('ZCARD', delayed) }
