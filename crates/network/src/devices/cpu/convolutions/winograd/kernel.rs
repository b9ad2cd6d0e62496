//! Some tiles through the three steps: pixels changed, products summed over channels, sums changed back.

#![expect(unsafe_code, reason = "threads share out the places of the output")]
#![expect(clippy::inline_always, reason = "what is not inlined is compiled without the wide instructions")]

use std::cell::RefCell;
use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::tile::{Change, Four, Tile, Two};
use crate::tensors::settings;
use crate::tensors::simd::pixels;
use crate::tensors::slices::Places;

/// Bytes of changed pixels that stay in the second cache beside the weights.
const CACHED: usize = 512 << 10;
/// Values between the parts of a tile beyond its own, lest all of them fall on one line of the first cache.
const APART: usize = 16;
/// Tiles that a kernel takes at once, or a multiple of it.
const STEP: usize = 12;
/// Tiles of the kernel that takes what is left of a step. What is left is rounded up to whole kernels of it, whatever a step has.
const REST: usize = 4;
/// Tiles for a thread below which its weights are read for too few of them.
pub(crate) const FEW: usize = 2 * STEP;

/// Blocks of channels that a kernel computes side by side, of `blocks`.
pub(crate) fn width(blocks: usize) -> usize {
    if blocks.is_multiple_of(2) { 2 } else { 1 }
}

/// A convolution in numbers.
pub(crate) struct Map {
    /// Size of the input, `[h, w]` in pixels.
    pub(crate) size: [i64; 2],
    pub(crate) padding: [i64; 2],
    pub(crate) outputs: [i64; 2],
    pub(crate) tile: Tile,
    /// Number of tiles, `[h, w]`.
    pub(crate) tiles: [i64; 2],
    /// Blocks of channels of the input and of the output.
    pub(crate) channel_blocks: usize,
    pub(crate) blocks: usize,
    /// Blocks of channels of a group.
    pub(crate) width: usize,
    /// Channels of a block.
    pub(crate) block: usize,
}

impl Map {
    pub(crate) fn tiles_of_image(&self) -> usize {
        (self.tiles[0] * self.tiles[1]) as usize
    }

    fn channels(&self) -> usize {
        self.channel_blocks * self.block
    }

    pub(crate) fn tiles_at_once(&self) -> usize {
        let fit = CACHED / ((self.tile.seen() * self.tile.seen()) as usize * size_of::<f32>() * self.channels());
        (fit / STEP * STEP).clamp(4 * STEP, 8 * STEP)
    }

    /// The image of a tile, and its first output.
    fn place(&self, tile: usize) -> (usize, [i64; 2]) {
        let (image, at) = (tile / self.tiles_of_image(), (tile % self.tiles_of_image()) as i64);
        (image, [at / self.tiles[1], at % self.tiles[1]].map(|place| place * self.tile.outputs()))
    }
}

/// Value of memory that nobody has written: whoever reads it gets no number.
const UNWRITTEN: f32 = f32::NAN;

/// Memory of one thread.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Changed pixels `[parts, tiles, in]`.
    pixels: Vec<f32>,
    /// Sums of products `[parts, tiles, lanes]`.
    sums: Vec<f32>,
}

impl Scratch {
    /// Makes room for so many values of each; what was there may still be there.
    fn reserve(&mut self, pixels: usize, sums: usize) {
        for (values, count) in [(&mut self.pixels, pixels), (&mut self.sums, sums)] {
            values.resize(count.max(values.len()), UNWRITTEN);
            if settings::fills_memory() {
                values.fill(UNWRITTEN);
            }
        }
    }

    /// Calls `act` with the memory of this thread.
    pub(crate) fn with(act: impl FnOnce(&mut Self)) {
        thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::default());
        SCRATCH.with_borrow_mut(act);
    }
}

/// Work of one thread: some groups of channels of some tiles.
pub(crate) struct Tiles<'a> {
    pub(crate) map: &'a Map,
    pub(crate) x: &'a [f32],
    pub(crate) weights: &'a [f32],
    pub(crate) y: &'a Places<'a, f32>,
    pub(crate) range: Range<usize>,
    pub(crate) groups: Range<usize>,
    pub(crate) scratch: &'a mut Scratch,
}

impl WithSimd for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.map.tile {
            Tile::Two => self.of::<S, Two, 2, 4>(simd),
            Tile::Four => self.of::<S, Four, 4, 6>(simd),
        }
    }
}

impl Tiles<'_> {
    #[inline(always)]
    fn of<S: Simd, C: Change<OUT, SEEN>, const OUT: usize, const SEEN: usize>(self, simd: S) {
        // With AVX-512 there are twice as many registers as before: room for 24 sums instead of 12.
        match (self.map.width, S::F32_LANES) {
            (2, 16) => self.steps::<S, C, OUT, SEEN, 12, 2>(simd),
            (2, _) => self.steps::<S, C, OUT, SEEN, 6, 2>(simd),
            _ => self.steps::<S, C, OUT, SEEN, 12, 1>(simd),
        }
    }

    /// All three, with kernels of `ROWS` tiles by `WIDTH` blocks of channels.
    #[inline(always)]
    fn steps<
        S: Simd,
        C: Change<OUT, SEEN>,
        const OUT: usize,
        const SEEN: usize,
        const ROWS: usize,
        const WIDTH: usize,
    >(
        self,
        simd: S,
    ) {
        let Self { map, x, weights, y, range: tiles, groups, scratch } = self;
        let (channels, lanes, parts) = (map.channels(), WIDTH * S::F32_LANES, SEEN * SEEN);
        const { assert!(STEP.is_multiple_of(ROWS), "pieces of tiles are whole kernels, but for the last") };
        let whole = tiles.len() / ROWS * ROWS;
        let rows = whole + (tiles.len() - whole).next_multiple_of(REST);
        let (apart, sums_apart) = (rows * channels + APART, rows * lanes + APART);
        scratch.reserve(parts * apart, parts * sums_apart);
        for (row, tile) in tiles.clone().enumerate() {
            change_pixels::<S, C, OUT, SEEN>(simd, map, x, tile, &mut scratch.pixels[row * channels..], apart);
        }
        for group in groups {
            for part in 0..parts {
                let weights = &weights[(group * parts + part) * channels * lanes..][..channels * lanes];
                let pixels = &scratch.pixels[part * apart..][..rows * channels];
                let sums = &mut scratch.sums[part * sums_apart..][..rows * lanes];
                let ((pixels, rest), (sums, sums_of_rest)) =
                    (pixels.split_at(whole * channels), sums.split_at_mut(whole * lanes));
                for (pixels, sums) in pixels.chunks_exact(ROWS * channels).zip(sums.chunks_exact_mut(ROWS * lanes)) {
                    products::<S, ROWS, WIDTH>(simd, pixels, weights, sums);
                }
                for (pixels, sums) in
                    rest.chunks_exact(REST * channels).zip(sums_of_rest.chunks_exact_mut(REST * lanes))
                {
                    products::<S, REST, WIDTH>(simd, pixels, weights, sums);
                }
            }
            for (row, tile) in tiles.clone().enumerate() {
                for at in 0..WIDTH {
                    let sums = &scratch.sums[row * lanes + at * S::F32_LANES..];
                    change_back::<S, C, OUT, SEEN>(simd, map, sums, sums_apart, y, tile, group * WIDTH + at);
                }
            }
        }
    }
}

/// `[ROWS, in]` times `[in, WIDTH * b]`.
#[inline(always)]
fn products<S: Simd, const ROWS: usize, const WIDTH: usize>(simd: S, x: &[f32], weights: &[f32], out: &mut [f32]) {
    let channels = x.len() / ROWS;
    let rows: [&[f32]; ROWS] = std::array::from_fn(|row| &x[row * channels..][..channels]);
    let weights = pixels::<S>(weights).as_chunks::<WIDTH>().0;
    let mut sums = [[simd.splat_f32s(0.0); WIDTH]; ROWS];
    for (channel, weights) in weights[..channels].iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(&rows) {
            let value = simd.splat_f32s(row[channel]);
            for (sum, &weight) in sums.iter_mut().zip(weights) {
                *sum = simd.mul_add_e_f32s(value, weight, *sum);
            }
        }
    }
    for (out, sums) in S::as_mut_simd_f32s(out).0.as_chunks_mut::<WIDTH>().0.iter_mut().zip(sums) {
        *out = sums;
    }
}

/// The pixels that `tile` sees, into parts that are `apart`.
#[inline(always)]
fn change_pixels<S: Simd, C: Change<OUT, SEEN>, const OUT: usize, const SEEN: usize>(
    simd: S,
    map: &Map,
    x: &[f32],
    tile: usize,
    out: &mut [f32],
    apart: usize,
) {
    let [height, width] = map.size;
    let (image, [top, left]) = map.place(tile);
    let (top, left) = (top - map.padding[0], left - map.padding[1]);
    let plane = (height * width) as usize;
    let inside = top >= 0 && left >= 0 && top + SEEN as i64 <= height && left + SEEN as i64 <= width;
    for block in 0..map.channel_blocks {
        let x = &pixels::<S>(x)[(image * map.channel_blocks + block) * plane..][..plane];
        let mut seen = [[simd.splat_f32s(0.0); SEEN]; SEEN];
        for (row, seen) in (top..).zip(&mut seen) {
            if inside {
                seen.copy_from_slice(&x[(row * width + left) as usize..][..SEEN]);
                continue;
            }
            for (column, seen) in (left..).zip(seen) {
                if row >= 0 && row < height && column >= 0 && column < width {
                    *seen = x[(row * width + column) as usize];
                }
            }
        }
        let mut down = [[simd.splat_f32s(0.0); SEEN]; SEEN];
        for column in 0..SEEN {
            let mut of_column = [simd.splat_f32s(0.0); SEEN];
            for (value, seen) in of_column.iter_mut().zip(&seen) {
                *value = seen[column];
            }
            for (down, value) in down.iter_mut().zip(C::pixels(simd, of_column)) {
                down[column] = value;
            }
        }
        for (row, down) in down.into_iter().enumerate() {
            for (column, value) in C::pixels(simd, down).into_iter().enumerate() {
                let part = &mut out[(row * SEEN + column) * apart + block * S::F32_LANES..][..S::F32_LANES];
                S::as_mut_simd_f32s(part).0[0] = value;
            }
        }
    }
}

/// The outputs of `tile` in one block of channels, from sums in parts that are `apart`.
#[inline(always)]
fn change_back<S: Simd, C: Change<OUT, SEEN>, const OUT: usize, const SEEN: usize>(
    simd: S,
    map: &Map,
    sums: &[f32],
    apart: usize,
    y: &Places<'_, f32>,
    tile: usize,
    block: usize,
) {
    let [height, width] = map.outputs;
    let (image, [top, left]) = map.place(tile);
    let plane = (image * map.blocks + block) * (height * width) as usize;
    let mut down = [[simd.splat_f32s(0.0); SEEN]; OUT];
    for column in 0..SEEN {
        let mut values = [simd.splat_f32s(0.0); SEEN];
        for (row, value) in values.iter_mut().enumerate() {
            *value = pixels::<S>(&sums[(row * SEEN + column) * apart..][..S::F32_LANES])[0];
        }
        for (down, value) in down.iter_mut().zip(C::back(simd, values)) {
            down[column] = value;
        }
    }
    for (y_row, down) in (top..height).zip(down) {
        for (column, value) in (left..width).zip(C::back(simd, down)) {
            let at = plane + (y_row * width + column) as usize;
            // SAFETY: every output is of one tile and block, and every tile of a group is computed once.
            let pixel = unsafe { y.place(at * S::F32_LANES, S::F32_LANES) };
            S::as_mut_simd_f32s(pixel).0[0] = value;
        }
    }
}

#[cfg(test)]
mod tests;
