#!/bin/sh
# A shell script as a handler: each ID is a file, and a run compresses it.
#
#   find logs -name '*.log' | convoy publish logs -
#   convoy work logs --exec 'sh examples/compress.sh {}' --concurrency 4 --retries 3
#
# 0 means done, 75 means later (EX_TEMPFAIL of sysexits.h), and all else that the run has failed; the last line on stderr
# is then its error. No shell reads the ID, so that it may hold spaces, quotes and semicolons.
set -eu

file=$1
if [ ! -e "$file" ]; then
  exit 0 # nothing is left to do: somebody has moved it
fi
if [ -n "$(find "$file" -mmin -1)" ]; then
  echo "somebody may still write to it" >&2
  exit 75
fi
gzip --force -- "$file"
