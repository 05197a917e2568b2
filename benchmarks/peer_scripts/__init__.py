"""One module per queue, each run by the Python of an environment in which that queue is installed.

    python -m benchmarks.peer_scripts '{"peer": "rq", "act": "publish", "url": "redis://…", "jobs": 1000}'

does one thing and prints what came of it in lines of JSON. Nothing here imports Convoy but `on_convoy`.
"""
