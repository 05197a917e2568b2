"""What Convoy costs, measured beside what the bare store costs at the same moment: `make bench`, or

python -m benchmarks --only process.async.100 --rounds 3
"""
