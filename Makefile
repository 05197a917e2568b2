# Two commands for a newcomer: `make run` opens the dashboard, `make test` is the gate.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# Hundreds of processes start in the tests; each would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check tests matrix dist docs chaos bench bench-peers lock screenshots map clean

run: $(STAMP)
	@$(BIN)/convoy-tui

test: check tests

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

tests: $(STAMP)
	$(BIN)/pytest --durations=10

# The tests under each Python from 3.11 to 3.14 that is installed (on the PATH or in pyenv), and those closest to redis-py
# with the lowest and the newest of it that pyproject.toml allows: make matrix ARGUMENTS='--only 3.12 redis-lowest --quick'
matrix: $(STAMP)
	@$(BIN)/python -m tools.matrix $(ARGUMENTS)

# The wheel and the source distribution, checked, and tried in an environment of their own. What to do before a release.
dist: $(STAMP)
	@$(BIN)/python -m tools.dist

# The documentation as a site, in .site/html: strict, and with its links checked
docs: $(STAMP)
	@$(BIN)/python -m tools.site

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Convoy needs Python 3.11 or newer; choose one with: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# Kills real workers and a real server for as long as it takes: make chaos KILLS=10000 SERVER_KILLS=200 SEED=1. ROLLBACKS
# (the server comes back older) and PAUSES (of workers) are one for 30 kills unless given. Ctrl-C ends it early, and judges it.
KILLS ?= 1000
SERVER_KILLS ?= 50
chaos: $(STAMP)
	$(BIN)/python -m tests.chaos --kills $(KILLS) --server-kills $(SERVER_KILLS) \
		$(if $(ROLLBACKS),--rollbacks $(ROLLBACKS)) $(if $(PAUSES),--pauses $(PAUSES)) $(if $(SEED),--seed $(SEED))

# One table of what everything costs beside the bare store: make bench ARGUMENTS='--only process wakeup --rounds 3'
bench: $(STAMP)
	@$(BIN)/python -m benchmarks $(ARGUMENTS)

# The same work done by other queues, each installed into an environment of its own below .bench-peers
bench-peers: $(STAMP)
	@$(BIN)/python -m benchmarks.peers $(ARGUMENTS)

# The versions every checkout is tested with; `pip install convoy-queue` follows pyproject.toml instead.
lock:
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy eager --editable '.[dev]'
	$(BIN)/python -m pip freeze --exclude-editable > constraints.txt

# The rooms and modules, each with its first sentence, in CONTRIBUTING.md
map: $(STAMP)
	@$(BIN)/python -m tests.map_of_rooms

screenshots: $(STAMP)
	$(BIN)/python -m tests.tui.screenshots

clean:
	rm -rf $(VENV) .matrix .site dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
