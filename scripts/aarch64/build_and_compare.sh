#!/bin/sh
# Builds the programs for aarch64 (nodes with Grace Hopper) on an x86-64 machine, and lets them compute in an emulator: a
# small sweep whose maps are compared with those of this machine. Some 15 minutes on two cores, so `make test` leaves it out.
#
# What it needs besides `make setup`: g++-aarch64-linux-gnu, qemu-user-static, unzip and rustup's target, named if missing.
set -eu
cd "$(dirname "$0")/../.."

fail() { printf 'aarch64: %s\n' "$*" >&2; exit 1; }
for program in aarch64-linux-gnu-g++ qemu-aarch64-static unzip; do
    command -v $program >/dev/null 2>&1 ||
        fail "$program is missing: apt-get install g++-aarch64-linux-gnu qemu-user-static unzip"
done
target=aarch64-unknown-linux-gnu
[ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || fail "run  rustup target add $target"

# libtorch comes out of torch's own wheel for aarch64. Its CUDA half stays in the wheel: the emulator has no GPU, and
# `libtorch.so` only wants to find its name.
torch=target/aarch64/torch
if [ ! -e $torch/.complete ]; then
    rm -rf $torch && mkdir -p target/aarch64/wheels
    fetch() {
        .python/bin/python -m pip download --quiet --no-deps --only-binary=:all: --dest target/aarch64/wheels \
            --platform manylinux_2_28_aarch64 --platform manylinux_2_25_aarch64 --platform manylinux2014_aarch64 "$@"
    }
    fetch "$(grep '^torch==' requirements.txt)" && fetch nvidia-cuda-runtime'>=13,<14' && fetch nvidia-cuda-cupti'>=13,<14'
    unzip -q -o target/aarch64/wheels/torch-*.whl 'torch/lib/*' 'torch/include/*' 'torch/share/*' -d target/aarch64
    for wheel in target/aarch64/wheels/nvidia*.whl; do
        unzip -q -o -j "$wheel" '*.so*' -d $torch/lib
    done
    rm -f $torch/lib/libtorch_cuda* $torch/lib/libtorch_python.so $torch/lib/libtorch_nvshmem.so $torch/lib/libc10_cuda.so
    echo | aarch64-linux-gnu-gcc -shared -x c - -o $torch/lib/libtorch_cuda.so
    rm -rf target/aarch64/wheels
    touch $torch/.complete
fi

LIBTORCH=$PWD/$torch
CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
CXX_aarch64_unknown_linux_gnu=aarch64-linux-gnu-g++
CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc
export LIBTORCH CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER CXX_aarch64_unknown_linux_gnu CC_aarch64_unknown_linux_gnu
cargo build --locked --workspace --bins --target $target --target-dir target/aarch64

# Scheduler of this machine, worker of the other one: a program that the kernel would not start by itself.
emulated=target/aarch64/worker
printf '%s\n' '#!/bin/sh' "exec qemu-aarch64-static -cpu neoverse-n1 -L /usr/aarch64-linux-gnu \\" \
    "    -E LD_LIBRARY_PATH=$LIBTORCH/lib:/usr/aarch64-linux-gnu/lib $PWD/target/aarch64/$target/debug/worker \"\$@\"" >$emulated
chmod +x $emulated
unset LIBTORCH
cargo build --locked --workspace --bins
.python/bin/python scripts/demo/demo.py
.python/bin/python scripts/aarch64/two_processors.py "$emulated"
