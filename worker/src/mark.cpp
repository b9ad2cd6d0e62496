// Marks in the work that a GPU has been given (mark.rs): c10's events, which tch does not have.

#include <cstdio>

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

extern "C" int attrisweep_mark(int device, void **mark, char *text, size_t room) {
    return tried(text, room, [=] {
        c10::Device gpu(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device));
        auto event = std::make_unique<c10::Event>(gpu.type());
        event->record(c10::impl::VirtualGuardImpl(gpu.type()).getStream(gpu));
        *mark = event.release();
    });
}

extern "C" int attrisweep_reach(const void *mark, char *text, size_t room) {
    return tried(text, room, [=] { static_cast<const c10::Event *>(mark)->synchronize(); });
}

extern "C" void attrisweep_unmark(void *mark) { delete static_cast<c10::Event *>(mark); }
