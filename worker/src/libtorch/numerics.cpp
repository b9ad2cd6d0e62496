// How libtorch computes on GPUs: settings that tch does not reach (numerics.rs).

#include <ATen/Context.h>

extern "C" void attrisweep_set_numerics(bool tf32) {
    auto &context = at::globalContext();
    context.setAllowTF32CuDNN(tf32);
    context.setAllowTF32CuBLAS(tf32);
    context.setDeterministicCuDNN(true);
    context.setBenchmarkCuDNN(false);
}
