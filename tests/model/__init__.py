"""Model tests: properties that must hold for any order of operations, on a real server.

Random operations: `machine` (only Convoy's clients, compared with `reference` after each step) and `mixed` (with Node
clients), run by `explore` and checked by `invariants`. `test_model` makes some thousand steps.

Whole pools: `simulation` runs one seed on a virtual clock (`loop`) over a network that loses, delays and repeats
(`link`, `wire`). `judge` finds IDs that were lost, stuck or run twice. `test_simulation` runs some hundred seeds.

Planted bugs: `mutants` patches a copy of convoy_core, and `hunt` looks for the bug there with one of the finders above.
`test_mutants` requires that each is found.
"""
