"""What must hold for any order of operations, on a real server.

Random operations: `machine` (our clients alone, compared with `reference` after each step) and `mixed` (beside Node's),
taken by `explore`, checked by `invariants`; `test_model` takes some thousands.

Whole pools: `simulation` plays one seed on a virtual clock (`loop`) over a network that loses, delays and repeats
(`link`, `wire`), and `judge` says what was lost, stuck or run twice; `test_simulation` plays some hundreds.

Planted bugs: `mutants` patches a copy of convoy_core, `hunt` looks for the bug there with one of the finders above, and
`test_mutants` demands that each is found.
"""
