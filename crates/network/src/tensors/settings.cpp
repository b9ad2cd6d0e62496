// What the environment asks of libtorch, done before `main`: later somebody may have read the variables, and no other thread
// may be there when they are set. settings.rs documents them.
#include <c10/core/CPUAllocator.h>
#include <cstdlib>
#include <cstring>

namespace {
bool says(const char *name, const char *value) {
    const char *found = std::getenv(name);
    return found != nullptr && std::strcmp(found, value) == 0;
}

// An allocator that fills what another one gives out.
struct Filled final : c10::Allocator {
    c10::Allocator *inner;

    explicit Filled(c10::Allocator *inner) : inner(inner) {}

    c10::DataPtr allocate(size_t bytes) override {
        c10::DataPtr data = inner->allocate(bytes);
        // All bits set: not a number in half, single and double precision, and -1 as an integer.
        if (data.get() != nullptr) std::memset(data.get(), 0xff, bytes);
        return data;
    }

    c10::DeleterFnPtr raw_deleter() const override { return inner->raw_deleter(); }

    void copy_data(void *to, const void *from, size_t bytes) const override { inner->copy_data(to, from, bytes); }
};

// oneDNN and libtorch read these when they first compute. What the user has set of them stays.
__attribute__((constructor)) void limit_instructions() {
    if (says("ATTRISWEEP_MAX_CPU_ISA", "avx2")) {
        setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 0);
        setenv("ATEN_CPU_CAPABILITY", "avx2", 0);
    }
}
}  // namespace

// Lets libtorch's present allocator on the CPU fill what it gives out, if the environment asks for it.
extern "C" void settings_fill_memory() {
    if (says("ATTRISWEEP_FILL_MEMORY", "nan")) {
        // Never freed: tensors may outlive everything else.
        c10::SetCPUAllocator(new Filled(c10::GetCPUAllocator()), 1);
    }
}

namespace {
__attribute__((constructor)) void fill_memory() { settings_fill_memory(); }
}  // namespace
