// The threads of libtorch, for kernels that are not in C++. threads.rs declares the function.
#include <ATen/Parallel.h>
#include <cstdint>

extern "C" {
void threads_parallel(int64_t n, int64_t grain, void (*act)(void*, int64_t, int64_t), void* context) {
    at::parallel_for(0, n, grain, [&](int64_t from, int64_t to) { act(context, from, to); });
}
}
