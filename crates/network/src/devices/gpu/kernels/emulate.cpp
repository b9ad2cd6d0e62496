// The kernels on the processor, for tests: asked for by name and with packed arguments, as the driver of a GPU is asked.
#define ATTRISWEEP_EMULATE
#include "kernels.cu"
#include "crop.cu"

#include <cstring>
#include <utility>

namespace {
unsigned common(unsigned a, unsigned b) { return b == 0 ? a : common(b, a % b); }

// Runs all threads in an order that looks like none, another one for each `order`: each thread once, as `step` has no divisor
// in common with their number.
template <typename... A, size_t... I>
void grid(void (*kernel)(A...), void **packed, unsigned order, unsigned blocks, std::index_sequence<I...>) {
    const unsigned threads = blocks * blockDim.x;
    unsigned step = order % threads;
    while (common(step, threads) != 1) step++;
    for (unsigned at = 0, thread = order % threads; at < threads; at++, thread = (thread + step) % threads) {
        blockIdx.x = thread / blockDim.x, threadIdx.x = thread % blockDim.x;
        kernel(*static_cast<A *>(packed[I])...);
    }
}

template <typename... A> void run(void (*kernel)(A...), void **packed, unsigned order, unsigned blocks) {
    grid(kernel, packed, order, blocks, std::index_sequence_for<A...>{});
}
} // namespace

// 0, or 1 where there is no such kernel.
extern "C" int attrisweep_emulate(const char *name, unsigned blocks, unsigned threads, void **packed, unsigned order) {
    blockDim = {threads, 1, 1};
#define NAMED(kernel) \
    if (!std::strcmp(name, #kernel)) { \
        run(kernel, packed, order, blocks); \
        return 0; \
    }
    NAMED(finish) NAMED(finish_four) NAMED(back) NAMED(back_four) NAMED(rescale) NAMED(pool_back) NAMED(narrow) NAMED(narrow_told)
    NAMED(crop) NAMED(crop_last) NAMED(crop_last_four)
    return 1;
}
