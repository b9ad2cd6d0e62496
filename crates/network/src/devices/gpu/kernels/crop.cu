// Boxes that are cut out of values. This text stands behind that of kernels.cu.

// Where the boxes of a window lie: a row of the table that boxes are cut by. planner.rs writes the same.
struct Source {
    int top, left;          // first pixel of the map that the row has; may be outside of the map
    int group, box;         // group of the patch that lies over the map, and its number there; or -1
    int box_top, box_left;  // first pixel of the map that the patch has
};

// Patches of one size, one for each window and image.
struct Patches {
    const float *values;
    u32 height, width;
    u32 first; // number of the first one in its group
    u32 unused;
};

// What a launch cuts out: [rows, channels, height, width], or with channels last. Row `window * images + image` is what the source of
// the window says. crop.rs has the same.
struct Crop {
    Patches patches[4];
    const Source *sources; // of each window
    u32 images, whole;     // rows of a window; and of the map, one for all images or as many
    u32 channels, height, width;
    u32 map_height, map_width;
    float outside;
};

// A pixel of a map or a patch: its first channel, and how far it is to the next one. Null outside of both.
struct Pixel {
    const float *first;
    u32 step;
};

INLINE Pixel pixel(const float *values, u32 channels, u32 height, u32 width, u64 row, u32 y, u32 x, bool last) {
    const u64 plane = (u64)height * width, at = (u64)y * width + x;
    return last ? Pixel{values + (row * plane + at) * channels, 1} : Pixel{values + row * channels * plane + at, (u32)plane};
}

// Pixel `y`, `x` of a row: of the patch, where there is one, else of the map.
INLINE Pixel seen(const float *map, const Crop &crop, u32 row, u32 y, u32 x, bool last) {
    const u32 window = row / crop.images, image = row - window * crop.images;
    const Source source = crop.sources[window];
    // What is before the first pixel is far behind the last one, without a sign.
    const u32 map_y = source.top + y, map_x = source.left + x;
    if (source.group >= 0) {
        const Patches &patches = crop.patches[source.group];
        const u32 in_y = map_y - source.box_top, in_x = map_x - source.box_left;
        if (in_y < patches.height && in_x < patches.width) {
            const u64 patch = (u64)(source.box - patches.first) * crop.images + image;
            return pixel(patches.values, crop.channels, patches.height, patches.width, patch, in_y, in_x, last);
        }
    }
    if (map_y >= crop.map_height || map_x >= crop.map_width) return Pixel{nullptr, 0};
    return pixel(map, crop.channels, crop.map_height, crop.map_width, crop.whole == 1 ? 0 : image, map_y, map_x, last);
}

// Rows from `begin` on. A thread has one pixel and `some` of its channels: where it lies is found once.
KERNEL crop(float *to, const float *map, IN_PLACE Crop crop, u32 begin, u32 some, u32 count) {
    const u32 at = number();
    if (at >= count) return;
    const u32 plane = crop.height * crop.width, parts = (crop.channels + some - 1) / some;
    const u32 place = at % plane, part = at / plane % parts, row = at / plane / parts;
    const Pixel from = seen(map, crop, begin + row, place / crop.width, place % crop.width, false);
    const u32 first = part * some, end = first + some < crop.channels ? first + some : crop.channels;
    for (u32 channel = first; channel < end; channel++) {
        const float value = from.first ? from.first[(u64)channel * from.step] : crop.outside;
        to[((u64)row * crop.channels + channel) * plane + place] = value;
    }
}

// The same with channels last: a thread has one value.
KERNEL crop_last(float *to, const float *map, IN_PLACE Crop crop, u32 begin, u32 count) {
    const u32 at = number();
    if (at >= count) return;
    const u32 channel = at % crop.channels, place = at / crop.channels;
    const u32 x = place % crop.width, y = place / crop.width % crop.height, row = place / crop.width / crop.height;
    const Pixel from = seen(map, crop, begin + row, y, x, true);
    to[at] = from.first ? from.first[channel] : crop.outside;
}

// The same for four channels that lie together, of a number that is a multiple of four.
KERNEL crop_last_four(float4 *to, const float *map, IN_PLACE Crop crop, u32 begin, u32 count) {
    const u32 at = number();
    if (at >= count) return;
    const u32 fours = crop.channels / 4, channel = at % fours * 4, place = at / fours;
    const u32 x = place % crop.width, y = place / crop.width % crop.height, row = place / crop.width / crop.height;
    const Pixel from = seen(map, crop, begin + row, y, x, true);
    const float none = crop.outside;
    to[at] = from.first ? *(const float4 *)(from.first + channel) : make_float4(none, none, none, none);
}
