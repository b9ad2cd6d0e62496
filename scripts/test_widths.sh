#!/bin/sh
# Tests of the engine once more for every width of registers that this processor has besides its own, as processors without the
# wider ones would run them: `make test` has run them for the widest.
set -eu
cd "$(dirname "$0")/.."
. scripts/suites.sh

has() { for flag in "$@"; do grep -qw "$flag" /proc/cpuinfo || return 1; done; }
# The programs are those of `cargo test --workspace`: nothing is built again.
engine() { OMP_NUM_THREADS=1 .python/bin/python scripts/engine_tests.py "$@"; }
# The same as libraries compute it that take the processor for another maker's.
of_another_maker() {
    case $PWD in
    *[\ :]*) echo "widths: LD_PRELOAD takes no path with a space or a colon" >&2; return 1 ;;
    esac
    cc -shared -fPIC -o target/other_maker.so tests/support/stand_ins/other_maker.c || return
    LD_PRELOAD=$PWD/target/other_maker.so engine "$@"
}
# Maps that were exchanged are found by verify.
exchanged() { .python/bin/python -m pytest -q tests/stores/verify/test_maps_computed_again.py -k sample_of_one; }
# The sweeps are compared with Captum, whose torch keeps to the same width (tests/support/torch_settings.py).
sweeps() { .python/bin/python -m pytest -q -n 2 --dist loadgroup tests/maps/test_parity.py -k "$1"; }
# Batches of 1 to 17 images have Captum's maps.
batches() { .python/bin/python -m pytest -q tests/maps/test_widths.py -k every_batch; }

export ATTRISWEEP_FILL_MEMORY=nan ATTRISWEEP_MAX_CPU_ISA
if ! has avx2 fma; then
    echo "widths: this processor has neither AVX-512 nor AVX2: the plain graph was tested, nothing else could be"
    exit
fi
echo "widths: the widest, with kernels of libraries for processors of another maker"
ATTRISWEEP_MAX_CPU_ISA=avx512
suite of_another_maker --lib
if has avx512f avx512bw avx512cd avx512dq avx512vl; then
    echo "widths: AVX2, on a processor with AVX-512"
    ATTRISWEEP_MAX_CPU_ISA=avx2
    # Types narrower than single are on the plain graph, whose kernels are libtorch's.
    suite engine -- --skip narrow_types
    suite sweeps "every_map or half_precision"
    suite exchanged
    suite batches
else
    echo "widths: AVX-512 could not be tested: this processor has AVX2 only"
fi
echo "widths: none, the plain graph"
ATTRISWEEP_MAX_CPU_ISA=none
# tests/lowered.rs would compare the plain graph with itself.
suite engine --lib --test graph --test identities -- --skip narrow_types
suite sweeps "half_precision or every_map and (resnet or vit_cifar)"
suite exchanged
suite batches
all_passed
