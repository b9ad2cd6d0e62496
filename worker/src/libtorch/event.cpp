// Events in the work of a GPU (event.rs), those of c10, and copies in place that nobody waits for (copy.rs): tch has neither.

#include <cstdio>

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace {
// Gives an exception back as text.
template <typename F> int tried(char *text, size_t room, F act) {
    try {
        act();
        return 0;
    } catch (const std::exception &error) {
        snprintf(text, room, "%s", error.what());
        return -1;
    }
}
} // namespace

extern "C" int attrisweep_event_record(int device, void **event, char *text, size_t room) {
    return tried(text, room, [=] {
        c10::Device gpu(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device));
        auto made = std::make_unique<c10::Event>(gpu.type());
        made->record(c10::impl::VirtualGuardImpl(gpu.type()).getStream(gpu));
        *event = made.release();
    });
}

extern "C" int attrisweep_event_wait(const void *event, char *text, size_t room) {
    return tried(text, room, [=] { static_cast<const c10::Event *>(event)->synchronize(); });
}

extern "C" void attrisweep_event_free(void *event) { delete static_cast<c10::Event *>(event); }

extern "C" int attrisweep_copy(const void *to, const void *from, char *text, size_t room) {
    return tried(text, room, [=] {
        static_cast<const at::Tensor *>(to)->copy_(*static_cast<const at::Tensor *>(from), /*non_blocking=*/true);
    });
}
