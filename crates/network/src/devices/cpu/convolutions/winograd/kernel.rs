//! Some tiles through the three steps: pixels changed, products summed over channels, sums changed back.

#![expect(clippy::inline_always, reason = "what is not inlined is compiled without the wide instructions")]

mod change;
mod map;
mod scratch;

use std::ops::Range;

use pulp::{Simd, WithSimd};

use self::change::{change_back, change_pixels};
pub(crate) use self::map::Map;
use self::map::STEP;
pub(crate) use self::scratch::Scratch;
use super::tile::{Change, Four, Tile, Two};
use crate::tensors::simd::pixels;
use crate::tensors::slices::Places;

/// Values between the parts of a tile beyond its own, lest all of them fall on one line of the first cache.
const APART: usize = 16;
/// Tiles of the kernel that takes the rest of a step. The rest is rounded up to whole kernels of this size, whatever the size
/// of a step.
const REST: usize = 4;
/// Tiles for a thread below which its weights are read for too few of them.
pub(crate) const FEW: usize = 2 * STEP;

/// Blocks of channels that a kernel computes side by side, of `blocks`.
pub(crate) fn width(blocks: usize) -> usize {
    if blocks.is_multiple_of(2) { 2 } else { 1 }
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

    /// Takes all three steps, with kernels of `ROWS` tiles by `WIDTH` blocks of channels.
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
