// Events in the work of a GPU (event.rs), those of c10, and copies in place that nobody waits for (copy.rs): tch has neither.

#include <cstdio>
#include <map>

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
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

// The stream of a GPU for what leaves the GPU, which goes on behind all that the GPU was asked to compute so far. One thread owns a GPU.
c10::Stream leaving(int device) {
    c10::Device gpu(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device));
    c10::impl::VirtualGuardImpl guard(gpu.type());
    static thread_local std::map<int, c10::Stream> streams;
    auto stream = streams.find(device);
    if (stream == streams.end())
        stream = streams.emplace(device, guard.getStreamFromGlobalPool(gpu)).first;
    c10::Event asked(gpu.type());
    asked.record(guard.getStream(gpu));
    asked.block(stream->second);
    return stream->second;
}
} // namespace

extern "C" int attrisweep_event_record(int device, void **event, char *text, size_t room) {
    return tried(text, room, [=] {
        c10::Stream stream = leaving(device);
        auto made = std::make_unique<c10::Event>(stream.device_type());
        made->record(stream);
        *event = made.release();
    });
}

extern "C" int attrisweep_leave(int device, const void *to, const void *from, char *text, size_t room) {
    return tried(text, room, [=] {
        const auto &values = *static_cast<const at::Tensor *>(from);
        c10::StreamGuard guard(leaving(device));
        // The allocator gives their memory to nobody before they have left.
        c10::impl::VirtualGuardImpl(guard.current_device().type())
            .recordDataPtrOnStream(values.storage().data_ptr(), guard.current_stream());
        static_cast<const at::Tensor *>(to)->copy_(values, /*non_blocking=*/true);
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
