#!/bin/sh
# All tests, as `make test` runs them.
set -eu
cd "$(dirname "$0")/.."
. scripts/suites.sh

# Memory that nobody has written holds NaN: whoever reads it fails.
export ATTRISWEEP_FILL_MEMORY=nan

cargo build --locked --workspace --bins
suite scripts/no_libtorch.sh
# Tests run side by side: one thread each for libtorch, or they wait for each other.
suite env OMP_NUM_THREADS=1 cargo test --locked --workspace --quiet --no-fail-fast
suite scripts/test_widths.sh
# Two at a time: they wait for leases and for ends of processes, and CI has two cores.
suite .python/bin/python -m pytest -q -n 2 --dist loadgroup --durations 25 tests
all_passed
