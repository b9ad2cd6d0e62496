// What follows a convolution, in one pass over the memory: batch norm, sum and ReLU; the same on the way back; DeepLIFT's rescale
// rule at a ReLU; the way back through a max pooling; and maps rounded to half precision. Behind this text stands that of crop.cu.
// NVRTC compiles both for the GPU that is there. On a machine without one, emulate.cpp compiles the same text for the processor,
// where a grid is a loop over its threads.
//
// No shared memory, no barriers, no atomic operations: each value is written by one thread, whatever the order of threads. So
// results have the same bits in every run, and the loop computes what the grid does. Indices have 32 bits: the host asks for fewer
// than 2^31 values at once.
#ifdef ATTRISWEEP_EMULATE
#include "emulate.h"
#else
#define KERNEL extern "C" __global__ void __launch_bounds__(128)
#define INLINE __device__ __forceinline__
// An argument that is read where it lies: a copy in registers could not be asked for an element by its number.
#define IN_PLACE const __grid_constant__
#endif

typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned short u16;
typedef unsigned char byte;

// The end of a convolution's output [n, channels, plane], or [n, plane, channels] where `last` is set. end.rs has the same.
struct End {
    const float *mean, *scale, *bias; // of each channel; all null without a batch norm
    const float *other;               // the other summand, or null
    u32 channels, plane;
    u32 last, rectify;
};

INLINE u32 number() { return blockIdx.x * blockDim.x + threadIdx.x; }

// The product is rounded before the sum: both compilers are told to fuse nothing.
INLINE float normed(float x, const End &end, u32 channel) {
    return end.scale ? (x - end.mean[channel]) * end.scale[channel] + end.bias[channel] : x;
}

// NaN stays NaN, as libtorch has it.
INLINE float rectified(float x) { return x <= 0.0f ? 0.0f : x; }

// y = relu(norm(x) + other), and whether that is positive, unless nobody asks. `y` may be `x`.
KERNEL finish(float *y, byte *positive, const float *x, End end, u32 count) {
    const u32 at = number();
    if (at >= count) return;
    const u32 channel = end.last ? at % end.channels : at / end.plane % end.channels;
    float value = normed(x[at], end, channel);
    if (end.other) value += end.other[at];
    if (positive) positive[at] = value > 0.0f;
    y[at] = end.rectify ? rectified(value) : value;
}

// The same for four values that lie together: those of a plane whose size is a multiple of four, or of four channels.
KERNEL finish_four(float4 *y, uchar4 *positive, const float4 *x, End end, u32 count) {
    const u32 at = number();
    if (at >= count) return;
    const u32 step = end.last ? 1 : 0;
    const u32 channel = end.last ? at % (end.channels / 4) * 4 : at / (end.plane / 4) % end.channels;
    float4 value = x[at];
    value.x = normed(value.x, end, channel);
    value.y = normed(value.y, end, channel + step);
    value.z = normed(value.z, end, channel + 2 * step);
    value.w = normed(value.w, end, channel + 3 * step);
    if (end.other) {
        const float4 more = ((const float4 *)end.other)[at];
        value.x += more.x, value.y += more.y, value.z += more.z, value.w += more.w;
    }
    if (positive) positive[at] = make_uchar4(value.x > 0.0f, value.y > 0.0f, value.z > 0.0f, value.w > 0.0f);
    if (end.rectify) {
        value = make_float4(rectified(value.x), rectified(value.y), rectified(value.z), rectified(value.w));
    }
    y[at] = value;
}

// What passes a ReLU on the way back: where its input was positive, if `positive` is there, and where the gradient is, if `rectify`.
INLINE float passed(float gradient, bool open, u32 rectify) {
    // As a product with zero or one: what is infinite does not vanish without a trace.
    const float value = open ? gradient : gradient * 0.0f;
    return rectify ? rectified(value) : value;
}

// The way back through a ReLU of values that lie as those of an End. end.rs has the same.
struct Way {
    const float *other; // a second gradient, which is added before, or null
    const byte *positive;
    u32 channels, plane;
    u32 last, spread; // whether there is one gradient [n, channels] for each plane
    u32 rectify;
    u32 unused;
};

KERNEL back(float *to, const float *gradient, Way way, u32 count) {
    const u32 at = number();
    if (at >= count) return;
    u32 from = at;
    if (way.spread) from = way.last ? at / way.channels / way.plane * way.channels + at % way.channels : at / way.plane;
    float value = gradient[from];
    if (way.other) value += way.other[at];
    to[at] = passed(value, !way.positive || way.positive[at], way.rectify);
}

KERNEL back_four(float4 *to, const float4 *gradient, Way way, u32 count) {
    const u32 at = number();
    if (at >= count) return;
    float4 value = gradient[at];
    if (way.other) {
        const float4 more = ((const float4 *)way.other)[at];
        value.x += more.x, value.y += more.y, value.z += more.z, value.w += more.w;
    }
    const uchar4 open = way.positive ? ((const uchar4 *)way.positive)[at] : make_uchar4(1, 1, 1, 1);
    to[at] = make_float4(passed(value.x, open.x, way.rectify), passed(value.y, open.y, way.rectify),
                         passed(value.z, open.z, way.rectify), passed(value.w, open.w, way.rectify));
}

// DeepLIFT's rescale rule at a ReLU of `x`: the gradient times the change of the output over that of the input, and the plain
// gradient where the input changes by no more than `none`. The other pass has `row` values, one image for all, or as many as `x`.
KERNEL rescale(float *to, const float *gradient, const float *x, const float *there, float none, u32 row, u32 count) {
    const u32 at = number();
    if (at >= count) return;
    const float here = x[at], before = there[at % row], change = here - before;
    const float size = change < 0.0f ? -change : change;
    const float slope = gradient[at] * (rectified(here) - rectified(before)) / change;
    to[at] = size <= none ? passed(gradient[at], here > 0.0f, 0) : slope;
}

// A max pooling of maps [n, channels, height, width], or with channels last, to [.., down, across]. pool.rs has the same.
struct Pool {
    const float *other;            // a second gradient, which is added before, or null
    const long long *winners;      // place in its map of the winner of each window
    u32 channels, height, width;
    u32 down, across, last;
    u32 kernel[2], stride[2], padding[2], dilation[2]; // down, across
};

// The window of which pixel `at` along an axis is tap number `tap`, if there is one among `count`; else `count`.
INLINE u32 window_of(const Pool &pool, u32 axis, u32 at, u32 tap, u32 count) {
    const u32 from = at + pool.padding[axis], before = tap * pool.dilation[axis];
    if (from < before || (from - before) % pool.stride[axis]) return count;
    const u32 window = (from - before) / pool.stride[axis];
    return window < count ? window : count;
}

// The gradient of each pixel: of the windows that it has won, in the order of the windows.
KERNEL pool_back(float *to, const float *gradient, IN_PLACE Pool pool, u32 count) {
    const u32 at = number();
    if (at >= count) return;
    const u32 place = pool.last ? at / pool.channels : at, channel = pool.last ? at % pool.channels : 0;
    const u32 x = place % pool.width, y = place / pool.width % pool.height, map = place / pool.width / pool.height;
    float sum = 0.0f;
    for (u32 tap_y = pool.kernel[0]; tap_y-- > 0;) {
        const u32 row = window_of(pool, 0, y, tap_y, pool.down);
        if (row == pool.down) continue;
        for (u32 tap_x = pool.kernel[1]; tap_x-- > 0;) {
            const u32 column = window_of(pool, 1, x, tap_x, pool.across);
            if (column == pool.across) continue;
            const u32 window = (map * pool.down + row) * pool.across + column;
            const u32 from = pool.last ? window * pool.channels + channel : window;
            if (pool.winners[from] != (long long)y * pool.width + x) continue;
            sum += pool.other ? gradient[from] + pool.other[from] : gradient[from];
        }
    }
    to[at] = sum;
}

// Rounded to the nearest half, of two that are as near to the even one; what is too large is infinite.
INLINE u16 half_of(float value) {
    const u32 bits = __float_as_uint(value), sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu;
    if (size > 0x7f800000u) return sign | 0x7e00u;
    if (size >= 0x477ff000u) return sign | 0x7c00u;
    // Below 2^-14 halves are 2^-24 apart, as numbers between a half and one are.
    if (size < 0x38800000u) return sign | (__float_as_uint(__uint_as_float(size) + 0.5f) - 0x3f000000u);
    return sign | ((size + 0xfffu + (size >> 13 & 1u) - 0x38000000u) >> 13);
}

// What is to be known of some values of a map beside their halves. rounding.rs has the same.
struct Facts {
    float largest; // of the sizes; NaN where a value is
    u32 others;    // number of values that are not zero
    u32 first;     // place of the first value that is infinite as a half, or the largest number
};

INLINE void learn(Facts &facts, float largest, u32 others, u32 first) {
    if (largest > facts.largest || largest != largest) facts.largest = largest;
    facts.others += others;
    if (first < facts.first) facts.first = first;
}

// Rounds maps [rows, values] to halves. A thread has every `lanes`th value of a row, and says what it saw: [lanes, rows].
KERNEL narrow(u16 *to, Facts *facts, const float *maps, u32 values, u32 lanes, u32 rows, u32 count) {
    const u32 thread = number();
    if (thread >= count) return;
    const u32 lane = thread % lanes, row = thread / lanes;
    const float *map = maps + (u64)row * values;
    u16 *half = to + (u64)row * values;
    Facts seen = {0.0f, 0, 0xffffffffu};
    for (u32 at = lane; at < values; at += lanes) {
        const float value = map[at];
        const u16 rounded = half_of(value);
        half[at] = rounded;
        learn(seen, __uint_as_float(__float_as_uint(value) & 0x7fffffffu), value != 0.0f, (rounded & 0x7fffu) == 0x7c00u ? at : 0xffffffffu);
    }
    facts[(u64)lane * rows + row] = seen;
}

// What all lanes saw of a row: [3, rows], the last of which is the value that is infinite as a half; zero where none is.
KERNEL narrow_told(float *told, const Facts *facts, const float *maps, u32 values, u32 lanes, u32 count) {
    const u32 row = number();
    if (row >= count) return;
    Facts seen = {0.0f, 0, 0xffffffffu};
    for (u32 lane = 0; lane < lanes; lane++) {
        const Facts one = facts[(u64)lane * count + row];
        learn(seen, one.largest, one.others, one.first);
    }
    told[row] = seen.largest;
    told[count + row] = (float)seen.others;
    told[2 * count + row] = seen.first == 0xffffffffu ? 0.0f : maps[(u64)row * values + seen.first];
}
