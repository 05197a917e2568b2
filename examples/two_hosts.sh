#!/bin/sh
# One queue over two hosts, on one machine: two workers, each in a namespace with a host name of its own (Linux).
#
#   CONVOY_REDIS_URL=redis://localhost:6379/0 sh examples/two_hosts.sh trucks
#
# Nothing but the address of the store is shared: on real hosts the command in `host` is all that runs. It ends when the
# queue is empty; what a host held that was switched off in the meantime is run by the other one.
set -eu

queue=$1
host() {
  unshare --uts --map-root-user sh -c 'hostname "$1" && exec convoy work "$2" --exec "sh -c true" --burst' - "$1" "$queue"
}

seq 1 100 | convoy -q publish "$queue" -
host host-a &
host host-b &
wait
convoy status "$queue"
