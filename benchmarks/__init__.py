"""The cost of Convoy, measured together with that of the bare store: `make bench`, or

python -m benchmarks --only process.async.100 --rounds 3
"""
