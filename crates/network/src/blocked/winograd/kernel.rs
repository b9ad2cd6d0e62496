//! Some tiles through the three steps: pixels changed, products summed over channels, sums changed back.

#![expect(unsafe_code, reason = "threads share out the places of the output")]
#![expect(clippy::inline_always, reason = "what is not inlined is compiled without the wide instructions")]

use std::cell::RefCell;
use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::kernels::pixels;
use super::super::memory::Places;
use super::TILE;

/// Bytes of changed pixels that stay in the second cache beside the weights.
const CACHED: usize = 512 << 10;
/// Values between the sixteen parts of a tile beyond its own, lest all of them fall on one line of the first cache.
const APART: usize = 16;
/// Tiles that a kernel takes at once, or a multiple of it.
const STEP: usize = 12;

/// Blocks of channels that a kernel computes side by side, of `blocks`.
pub(super) fn width(blocks: usize) -> usize {
    if blocks.is_multiple_of(2) { 2 } else { 1 }
}

/// A convolution in numbers.
pub(super) struct Map {
    /// Of the input, `[h, w]`.
    pub(super) size: [i64; 2],
    pub(super) padding: [i64; 2],
    pub(super) outputs: [i64; 2],
    pub(super) tiles: [i64; 2],
    /// Blocks of channels of the input and of the output.
    pub(super) channel_blocks: usize,
    pub(super) blocks: usize,
    /// Blocks of channels of a group.
    pub(super) width: usize,
    /// Channels of a block.
    pub(super) block: usize,
}

impl Map {
    pub(super) fn tiles_of_image(&self) -> usize {
        (self.tiles[0] * self.tiles[1]) as usize
    }

    fn channels(&self) -> usize {
        self.channel_blocks * self.block
    }

    pub(super) fn tiles_at_once(&self) -> usize {
        let fit = CACHED / (16 * size_of::<f32>() * self.channels());
        (fit / STEP * STEP).clamp(4 * STEP, 8 * STEP)
    }

    /// The image of a tile, and its first output.
    fn place(&self, tile: usize) -> (usize, [i64; 2]) {
        let (image, at) = (tile / self.tiles_of_image(), (tile % self.tiles_of_image()) as i64);
        (image, [at / self.tiles[1] * TILE, at % self.tiles[1] * TILE])
    }
}

/// Memory of one thread.
#[derive(Default)]
pub(super) struct Scratch {
    /// Changed pixels `[16, tiles, in]`.
    pixels: Vec<f32>,
    /// Sums of products `[16, tiles, lanes]`.
    sums: Vec<f32>,
}

impl Scratch {
    /// Calls `act` with the memory of this thread.
    pub(super) fn with(act: impl FnOnce(&mut Self)) {
        thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::default());
        SCRATCH.with_borrow_mut(act);
    }
}

/// What one thread computes: some groups of channels of some tiles.
pub(super) struct Tiles<'a> {
    pub(super) map: &'a Map,
    pub(super) x: &'a [f32],
    pub(super) weights: &'a [f32],
    pub(super) y: &'a Places<'a, f32>,
    pub(super) range: Range<usize>,
    pub(super) groups: Range<usize>,
    pub(super) scratch: &'a mut Scratch,
}

impl WithSimd for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // With AVX-512 there are twice as many registers as before: room for 24 sums instead of 12.
        match (self.map.width, S::F32_LANES) {
            (2, 16) => self.steps::<S, 12, 2>(simd),
            (2, _) => self.steps::<S, 6, 2>(simd),
            _ => self.steps::<S, 12, 1>(simd),
        }
    }
}

impl Tiles<'_> {
    /// All three, with kernels of `ROWS` tiles by `WIDTH` blocks of channels.
    #[inline(always)]
    fn steps<S: Simd, const ROWS: usize, const WIDTH: usize>(self, simd: S) {
        let Self { map, x, weights, y, range: tiles, groups, scratch } = self;
        let (channels, lanes) = (map.channels(), WIDTH * S::F32_LANES);
        let rows = tiles.len().next_multiple_of(ROWS);
        let (apart, sums_apart) = (rows * channels + APART, rows * lanes + APART);
        scratch.pixels.resize((16 * apart).max(scratch.pixels.len()), 0.0);
        scratch.sums.resize((16 * sums_apart).max(scratch.sums.len()), 0.0);
        for (row, tile) in tiles.clone().enumerate() {
            change_pixels(simd, map, x, tile, &mut scratch.pixels[row * channels..], apart);
        }
        for group in groups {
            for part in 0..16 {
                let weights = &weights[(group * 16 + part) * channels * lanes..][..channels * lanes];
                let pixels = &scratch.pixels[part * apart..][..rows * channels];
                let sums = &mut scratch.sums[part * sums_apart..][..rows * lanes];
                for (pixels, sums) in pixels.chunks_exact(ROWS * channels).zip(sums.chunks_exact_mut(ROWS * lanes)) {
                    products::<S, ROWS, WIDTH>(simd, pixels, weights, sums);
                }
            }
            for (row, tile) in tiles.clone().enumerate() {
                for at in 0..WIDTH {
                    let sums = &scratch.sums[row * lanes + at * S::F32_LANES..];
                    change_back(simd, map, sums, sums_apart, y, tile, group * WIDTH + at);
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

/// What three taps see of four pixels along an axis.
#[inline(always)]
fn changed<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
    [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
}

/// Two outputs along an axis.
#[inline(always)]
fn changed_back<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 2] {
    [simd.add_f32s(a, simd.add_f32s(b, c)), simd.sub_f32s(simd.sub_f32s(b, c), d)]
}

/// The 4x4 pixels that `tile` sees, into sixteen parts that are `apart`.
#[inline(always)]
fn change_pixels<S: Simd>(simd: S, map: &Map, x: &[f32], tile: usize, out: &mut [f32], apart: usize) {
    let [height, width] = map.size;
    let (image, [top, left]) = map.place(tile);
    let (top, left) = (top - map.padding[0], left - map.padding[1]);
    let plane = (height * width) as usize;
    let inside = top >= 0 && left >= 0 && top + 4 <= height && left + 4 <= width;
    for block in 0..map.channel_blocks {
        let x = &pixels::<S>(x)[(image * map.channel_blocks + block) * plane..][..plane];
        let mut seen = [[simd.splat_f32s(0.0); 4]; 4];
        for (row, seen) in (top..).zip(&mut seen) {
            if inside {
                seen.copy_from_slice(&x[(row * width + left) as usize..][..4]);
                continue;
            }
            for (column, seen) in (left..).zip(seen) {
                if row >= 0 && row < height && column >= 0 && column < width {
                    *seen = x[(row * width + column) as usize];
                }
            }
        }
        // No closures here: they would be compiled without the wide instructions.
        let mut down = [[simd.splat_f32s(0.0); 4]; 4];
        for column in 0..4 {
            let of_column = [seen[0][column], seen[1][column], seen[2][column], seen[3][column]];
            [down[0][column], down[1][column], down[2][column], down[3][column]] = changed(simd, of_column);
        }
        for (row, down) in down.into_iter().enumerate() {
            for (column, value) in changed(simd, down).into_iter().enumerate() {
                let part = &mut out[(row * 4 + column) * apart + block * S::F32_LANES..][..S::F32_LANES];
                S::as_mut_simd_f32s(part).0[0] = value;
            }
        }
    }
}

/// The outputs of `tile` in one block of channels, from sums in sixteen parts that are `apart`.
#[inline(always)]
fn change_back<S: Simd>(
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
    let mut down = [[simd.splat_f32s(0.0); 4]; 2];
    for column in 0..4 {
        let mut values = [simd.splat_f32s(0.0); 4];
        for (row, value) in values.iter_mut().enumerate() {
            *value = pixels::<S>(&sums[(row * 4 + column) * apart..][..S::F32_LANES])[0];
        }
        [down[0][column], down[1][column]] = changed_back(simd, values);
    }
    for (y_row, down) in (top..height.min(top + TILE)).zip(down) {
        for (column, value) in (left..width.min(left + TILE)).zip(changed_back(simd, down)) {
            let at = plane + (y_row * width + column) as usize;
            // SAFETY: every output is of one tile and block, and every tile of a group is computed once.
            let pixel = unsafe { y.place(at * S::F32_LANES, S::F32_LANES) };
            S::as_mut_simd_f32s(pixel).0[0] = value;
        }
    }
}
