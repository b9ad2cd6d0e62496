// The CPU's memory as libtorch takes it, counted and limited (allocator.rs counts), and what tch does not tell of
// libtorch's allocator on a GPU, where errors mean only that nothing is known: a driver that does not answer shows
// where it is used.

#include <cstring>

#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <c10/util/Exception.h>

extern "C" bool attrisweep_may_take(size_t bytes);
extern "C" void attrisweep_took(size_t bytes);
extern "C" void attrisweep_gave(size_t bytes);

namespace {
// What is taken is noted before it: libtorch may have an allocator of its own below `alloc_cpu` (mimalloc on aarch64), which
// the C library's `malloc_usable_size` must not be asked about. As long as libtorch's alignment, which is so kept.
constexpr size_t NOTE = c10::gAlignment;
static_assert(NOTE >= sizeof(size_t));

void give(void *memory) {
    if (memory != nullptr) {
        char *taken = static_cast<char *>(memory) - NOTE;
        size_t bytes;
        std::memcpy(&bytes, taken, sizeof bytes);
        attrisweep_gave(bytes);
        c10::free_cpu(taken);
    }
}

// libtorch's own allocator, behind the limit.
struct Counted final : c10::Allocator {
    c10::DataPtr allocate(size_t bytes) override {
        const c10::Device cpu(c10::DeviceType::CPU);
        if (bytes == 0) {
            return {nullptr, nullptr, &give, cpu};
        }
        TORCH_CHECK(attrisweep_may_take(bytes), "out of memory: ", bytes, " bytes more than the worker may hold");
        const size_t all = bytes + NOTE;
        char *taken = static_cast<char *>(c10::alloc_cpu(all));
        std::memcpy(taken, &all, sizeof all);
        attrisweep_took(all);
        return {taken + NOTE, taken + NOTE, &give, cpu};
    }

    c10::DeleterFnPtr raw_deleter() const override { return &give; }

    void copy_data(void *to, const void *from, size_t bytes) const override { default_copy_data(to, from, bytes); }
};

template <typename F> int tried(F act) {
    try {
        act();
        return 0;
    } catch (const std::exception &) {
        return -1;
    }
}

c10::DeviceAllocator *allocator() { return c10::getDeviceAllocator(c10::DeviceType::CUDA); }
} // namespace

extern "C" int attrisweep_cuda_release() {
    return tried([] { allocator()->emptyCache(); });
}

extern "C" int attrisweep_cuda_forget_peak(int device) {
    return tried([=] { allocator()->resetPeakStats(device); });
}

extern "C" int attrisweep_cuda_held(int device, int64_t *now, int64_t *peak) {
    return tried([=] {
        auto reserved = allocator()->getDeviceStats(device).reserved_bytes[0];
        *now = reserved.current;
        *peak = reserved.peak;
    });
}

extern "C" int attrisweep_cuda_free(int device, int64_t *free) {
    return tried([=] { *free = static_cast<int64_t>(allocator()->getMemoryInfo(device).first); });
}

extern "C" void attrisweep_count_cpu() {
    static Counted counted;
    c10::SetCPUAllocator(&counted, 1);
}
