// oneDNN's convolutions on activations that stay in the layout in which it computes.
//
// libtorch gives a convolution of ordinary tensors in three steps: reorder into blocks of channels,
// compute, reorder back. The two reorders take as long as everything else between two convolutions.
// Its opaque tensors skip them, but nothing else can be done with one. Here the memory of an opaque
// tensor is seen as an ordinary one, [n, c / b, h, w, b], and the other way round, without a copy.
//
// Every function returns null, or an error message that the caller frees with blocked_free.
#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <cstring>

namespace at::native {
// Exported by libtorch_cpu for compiled models (ATen/native/mkldnn/MKLDNNCommon.h, which is not installed).
void* data_ptr_from_mkldnn(const Tensor&);
Tensor mkldnn_tensor_from_data_ptr(void*, IntArrayRef, ScalarType, Device, const uint8_t*, int64_t);
}  // namespace at::native

namespace {
using at::Tensor;

// What oneDNN 3 says of a tensor in memory, as far as it is read here. `blocked_probe` checks the offsets.
struct Descriptor {
    std::vector<uint8_t> bytes;

    int64_t& at(size_t offset, size_t index = 0) {
        return *reinterpret_cast<int64_t*>(bytes.data() + offset + 8 * index);
    }
    int64_t& dim(size_t index) { return at(8, index); }
    int64_t& padded_dim(size_t index) { return at(112, index); }
    int64_t& stride(size_t index) { return at(320, index); }
    int32_t& inner_blocks() { return *reinterpret_cast<int32_t*>(bytes.data() + 416); }
    int64_t& inner_block(size_t index) { return at(424, index); }
    int64_t& inner_dim(size_t index) { return at(520, index); }
};

Descriptor describe(const Tensor& opaque) {
    static const auto op = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("mkldnn::_get_mkldnn_serialized_md", "")
                               .typed<Tensor(const Tensor&)>();
    const Tensor blob = op.call(opaque).contiguous();
    const auto* data = static_cast<const uint8_t*>(blob.data_ptr());
    return {std::vector<uint8_t>(data, data + blob.nbytes())};
}

bool is_blocked(Descriptor& d, int64_t block) {
    const int64_t plane = d.dim(2) * d.dim(3) * block;
    return d.bytes.size() > 528 && d.inner_blocks() == 1 && d.inner_block(0) == block && d.inner_dim(0) == 1 &&
           d.dim(1) % block == 0 && d.padded_dim(1) == d.dim(1) && d.stride(0) == plane * (d.dim(1) / block) &&
           d.stride(1) == plane && d.stride(2) == d.dim(3) * block && d.stride(3) == block;
}

// The descriptor of a blocked tensor, as oneDNN itself made it for the probe; sizes are put in.
Descriptor model;

Tensor convolve(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias, const int64_t* geometry) {
    const auto pair = [&](int at) { return at::IntArrayRef(geometry + at, 2); };
    if (geometry[7]) {
        return at::conv_transpose2d(x, weight, bias, pair(0), pair(2), pair(8), geometry[6], pair(4));
    }
    return at::mkldnn_convolution(x, weight, bias, pair(2), pair(0), pair(4), geometry[6]);
}

// An opaque tensor over the memory of `x`, which must outlive it: activations [n, c / b, h, w, b], or
// weights [out / b, in / b, h, w, b of in, b of out], as oneDNN's blocked kernels want them.
Tensor wrap(const Tensor& x) {
    const bool weights = x.dim() == 6;
    const int64_t b = x.size(4), inner = weights ? b * b : b;
    const int64_t dims[] = {x.size(0) * (weights ? b : 1), x.size(1) * b, x.size(2), x.size(3)};
    Descriptor d = model;
    for (int i = 0; i < 4; i++) d.dim(i) = d.padded_dim(i) = dims[i];
    if (weights) {
        d.inner_blocks() = 2;
        d.inner_block(1) = b;
        d.inner_dim(1) = 0;
    }
    d.stride(3) = inner;
    d.stride(2) = dims[3] * inner;
    d.stride(1) = dims[2] * d.stride(2);
    d.stride(0) = x.size(1) * d.stride(1);
    return at::native::mkldnn_tensor_from_data_ptr(x.data_ptr(), dims, at::kFloat, at::kCPU, d.bytes.data(),
                                                   d.bytes.size());
}

// The memory of an opaque tensor as [n, c / block, h, w, block]; copied only where oneDNN chose another layout.
Tensor unwrap(const Tensor& y, int64_t block) {
    const int64_t n = y.size(0), c = y.size(1), h = y.size(2), w = y.size(3);
    Descriptor d = describe(y);
    void* data = at::native::data_ptr_from_mkldnn(y);
    if (is_blocked(d, block)) {
        return at::from_blob(data, {n, c / block, h, w, block}, [y](void*) {}, at::kFloat);
    }
    const bool channels_last = d.inner_blocks() == 0 && d.stride(1) == 1 && d.stride(3) == c && d.stride(2) == w * c &&
                               d.stride(0) == h * w * c;
    const Tensor last = channels_last ? at::from_blob(data, {n, h, w, c / block, block}, [y](void*) {}, at::kFloat)
                                      : y.to_dense().view({n, c / block, block, h, w}).permute({0, 3, 4, 1, 2});
    return last.permute({0, 3, 1, 2, 4}).contiguous();
}

template <typename Act>
char* guarded(Act act) {
    try {
        act();
        return nullptr;
    } catch (const std::exception& error) {
        return strdup(error.what());
    }
}
}  // namespace

extern "C" {

void blocked_free(char* message) { free(message); }

// The number of channels of a block into `block`; 0 where oneDNN does not compute in blocks, or is not known well.
char* blocked_probe(int64_t* block) {
    return guarded([&] {
        *block = 0;
        const int64_t geometry[] = {1, 1, 1, 1, 1, 1, 1, 0, 0, 0};
        const auto waves = [](at::IntArrayRef size) { return at::arange(c10::multiply_integers(size), at::kFloat).sin().view(size); };
        const Tensor x = waves({2, 64, 12, 9}), weight = waves({32, 64, 3, 3});
        const Tensor y = convolve(x.to_mkldnn(), weight, std::nullopt, geometry);
        model = describe(y);
        for (const int64_t b : {16, 8}) {
            if (!is_blocked(model, b)) continue;
            const Tensor dense = y.to_dense(), seen = unwrap(y, b);
            const Tensor there = dense.view({2, 32 / b, b, 12, 9}).permute({0, 1, 3, 4, 2}).contiguous();
            const Tensor packed = weight.view({32 / b, b, 64 / b, b, 3, 3}).permute({0, 2, 4, 5, 3, 1}).contiguous();
            const bool weights_fit = wrap(packed).to_dense().equal(weight);
            if (seen.equal(there) && wrap(there).to_dense().equal(dense) && weights_fit) *block = b;
        }
    });
}

// A convolution of `x`, [n, c, h, w] or blocked, to `*out`: blocked by `block`, or dense where `block` is 0.
// Weights are [out, in, h, w], or blocked. `geometry`: stride, padding, dilation (2 each), groups, whether it is the transpose, its output padding (2).
char* blocked_convolution(Tensor** out, const Tensor* x, const Tensor* weight, const Tensor* bias,
                          const int64_t* geometry, int64_t block) {
    return guarded([&] {
        const Tensor opaque = x->dim() == 5 ? wrap(*x) : x->to_mkldnn();
        const std::optional<Tensor> given = bias ? std::optional<Tensor>(*bias) : std::nullopt;
        const Tensor y = convolve(opaque, weight->dim() == 6 ? wrap(*weight) : *weight, given, geometry);
        *out = new Tensor(block ? unwrap(y, block) : y.to_dense());
    });
}
}
