// What libtorch knows of its GPUs (driver.rs).
#include <ATen/Context.h>
#include <c10/core/impl/VirtualGuardImpl.h>

// The stream on which libtorch computes, as the driver knows it; the default one where libtorch has no CUDA, and nobody has kernels.
extern "C" void *gpu_stream(int device) {
    try {
        c10::Device gpu(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device));
        return c10::impl::VirtualGuardImpl(gpu.type()).getStream(gpu).native_handle();
    } catch (...) {
        return nullptr;
    }
}

// Whether convolutions in single precision round their operands to 11 bits.
extern "C" bool gpu_rounds_to_tf32() {
    try {
        return at::globalContext().allowTF32CuDNN();
    } catch (...) {
        // Settings that contradict each other: the looser comparison.
        return true;
    }
}
