//! Convolutions of maps of a few pixels: the same pixel of several images side by side.
//!
//! oneDNN computes neighbouring pixels side by side. Of a map of 2x2 that leaves most of its registers empty, and
//! 3x3 taps see five zeros for every four pixels. Here a pixel takes just the taps that see something.
//!
//! Sums are taken in oneDNN's order, so that the bits are the same: the products of a block of channels by rows of the kernel,
//! columns and channels, and then one block's sum on top of the other's. That is how its kernel for AVX-512 works, and nowhere
//! written down: [`Few::apply`] is for callers who have seen that the bits are the same.

#![expect(unsafe_code, reason = "threads share out the places of the output")]
#![expect(clippy::inline_always, reason = "what is not inlined is compiled without the wide instructions")]

use std::ops::Range;

use pulp::{Simd, WithSimd};
use tch::{Device, Kind, TchError, Tensor};

use crate::operations::Geometry;
use crate::tensors::simd;
use crate::tensors::simd::pixels;
use crate::tensors::slices::{Places, values, values_mut};
use crate::tensors::threads::parallel;

/// Pixels of an output for which this is faster than oneDNN.
const MOST: i64 = 4;
/// Images that a kernel takes at once, and images of the kernel for the rest.
const IMAGES: usize = 12;
pub(crate) const REST: usize = 4;

/// A convolution in numbers.
pub(crate) struct Few {
    /// Values of an image, and of a block of its channels.
    image: usize,
    plane: usize,
    channel_blocks: usize,
    /// Channels of a block.
    block: usize,
    /// Size of the output.
    blocks: usize,
    outputs: [i64; 2],
    /// Size of the kernel.
    taps: usize,
    /// Taps that see a pixel, with that pixel, in the order of the kernel: a list for each pixel of the output.
    seen: Vec<Vec<(usize, usize)>>,
}

impl Few {
    /// Whether maps of `[h, w]` pixels are small enough for this to be faster than anything else.
    pub(crate) fn are(outputs: [i64; 2]) -> bool {
        (1..=MOST).contains(&outputs.iter().product())
    }

    /// Convolution of `x` `[n, in / b, h, w, b]` with packed weights `[out / b, in / b, kh, kw, b, b]`, if its output is such a map,
    /// and more than one tap sees it.
    pub(crate) fn of(x: &Tensor, packed: &Tensor, geometry: Geometry) -> Option<Self> {
        let [_, channel_blocks, height, width, block] = x.size()[..] else { return None };
        let [blocks, _, rows, columns, _, _] = packed.size()[..] else { return None };
        let Geometry { stride, padding, dilation, .. } = geometry;
        let axis = |axis: usize, size: i64, kernel: i64| {
            let outputs = (size + 2 * padding[axis] - dilation[axis] * (kernel - 1) - 1).div_euclid(stride[axis]) + 1;
            let taps = move |output: i64| {
                let place = move |tap| output * stride[axis] + tap * dilation[axis] - padding[axis];
                (0..kernel).map(move |tap| (tap, place(tap))).filter(move |(_, place)| (0..size).contains(place))
            };
            (outputs, taps)
        };
        let ((down, taps_down), (across, taps_across)) = (axis(0, height, rows), axis(1, width, columns));
        if !Self::are([down, across]) || rows * columns == 1 {
            return None;
        }
        let of_pixel = |y: i64, x: i64| {
            let rows = taps_down(y).flat_map(|row| taps_across(x).map(move |column| (row, column)));
            rows.map(|((row, y), (column, x))| ((row * columns + column) as usize, (y * width + x) as usize)).collect()
        };
        Some(Self {
            image: (channel_blocks * height * width * block) as usize,
            plane: (height * width * block) as usize,
            channel_blocks: channel_blocks as usize,
            block: block as usize,
            blocks: blocks as usize,
            outputs: [down, across],
            taps: (rows * columns) as usize,
            seen: (0..down * across).map(|pixel| of_pixel(pixel / across, pixel % across)).collect(),
        })
    }

    /// The output `[n, out / b, h, w, b]`.
    pub(crate) fn apply(&self, x: &Tensor, packed: &Tensor) -> Result<Tensor, TchError> {
        let (x, images) = (x.f_contiguous()?, x.size()[0] as usize);
        let shape = [images as i64, self.blocks as i64, self.outputs[0], self.outputs[1], self.block as i64];
        let mut out = Tensor::f_empty(shape, (Kind::Float, Device::Cpu))?;
        let (x, weights) = (values::<f32>(&x)?, values::<f32>(packed)?);
        let y = Places::of(values_mut(&mut out)?);
        // Images after images of one pair of output blocks, whose weights stay in the cache.
        let (chunks, pairs) = (images.div_ceil(IMAGES), self.blocks.div_ceil(2));
        parallel(chunks * pairs, 1, |part| {
            for index in part {
                let (pair, chunk) = (index / chunks, index % chunks);
                let images = chunk * IMAGES..((chunk + 1) * IMAGES).min(images);
                let blocks = pair * 2..(pair * 2 + 2).min(self.blocks);
                simd::run(self.block, Part { few: self, x, weights, y: &y, images, blocks });
            }
        });
        Ok(out)
    }

    /// The weights of a block of the output.
    fn weights_of_block(&self) -> usize {
        self.channel_blocks * self.taps * self.block * self.block
    }
}

/// Work of one thread: some images of one or two blocks of the output.
struct Part<'a> {
    few: &'a Few,
    x: &'a [f32],
    weights: &'a [f32],
    y: &'a Places<'a, f32>,
    images: Range<usize>,
    blocks: Range<usize>,
}

impl WithSimd for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as there are registers for.
        match (self.blocks.len(), S::F32_LANES) {
            (2, 16) => self.steps::<S, IMAGES, 2>(simd),
            (2, _) => self.steps::<S, { IMAGES / 2 }, 2>(simd),
            _ => self.steps::<S, IMAGES, 1>(simd),
        }
    }
}

impl Part<'_> {
    #[inline(always)]
    fn steps<S: Simd, const ROWS: usize, const WIDTH: usize>(&self, simd: S) {
        let Range { start: mut first, end } = self.images;
        while first < end {
            if first + ROWS <= end {
                self.pixels::<S, ROWS, WIDTH>(simd, first);
                first += ROWS;
            } else {
                self.pixels::<S, REST, WIDTH>(simd, first);
                first += REST;
            }
        }
    }

    /// `ROWS` images from `first` on. Where there are fewer, the last is computed several times.
    #[inline(always)]
    fn pixels<S: Simd, const ROWS: usize, const WIDTH: usize>(&self, simd: S, first: usize) {
        let few = self.few;
        let mut images = [first; ROWS];
        for (row, image) in images.iter_mut().enumerate() {
            *image = (first + row).min(self.images.end - 1);
        }
        let pixels_of_block = few.seen.len();
        for (pixel, seen) in few.seen.iter().enumerate() {
            let sums = self.sums::<S, ROWS, WIDTH>(simd, &images, seen);
            for (image, sums) in images.iter().zip(sums) {
                for (block, sum) in self.blocks.clone().zip(sums) {
                    let at = (image * few.blocks + block) * pixels_of_block + pixel;
                    // SAFETY: every image of a block is one thread's, which holds one pixel at a time.
                    let place = unsafe { self.y.place(at * S::F32_LANES, S::F32_LANES) };
                    S::as_mut_simd_f32s(place).0[0] = sum;
                }
            }
        }
    }

    #[inline(always)]
    fn sums<S: Simd, const ROWS: usize, const WIDTH: usize>(
        &self,
        simd: S,
        images: &[usize; ROWS],
        seen: &[(usize, usize)],
    ) -> [[S::f32s; WIDTH]; ROWS] {
        let (few, lanes) = (self.few, S::F32_LANES);
        let mut all = [[simd.splat_f32s(0.0); WIDTH]; ROWS];
        for channels in 0..few.channel_blocks {
            let mut sums = [[simd.splat_f32s(0.0); WIDTH]; ROWS];
            for &(tap, pixel) in seen {
                let mut weights = [pixels::<S>(&[]); WIDTH];
                for (at, weights) in weights.iter_mut().enumerate() {
                    let of_block = (self.blocks.start + at) * few.weights_of_block();
                    let of_tap = (channels * few.taps + tap) * lanes * lanes;
                    *weights = &pixels::<S>(&self.weights[of_block + of_tap..][..lanes * lanes])[..lanes];
                }
                let mut rows = [&self.x[..0]; ROWS];
                for (row, &image) in rows.iter_mut().zip(images) {
                    *row = &self.x[image * few.image + channels * few.plane + pixel * lanes..][..lanes];
                }
                for channel in 0..lanes {
                    for (sums, row) in sums.iter_mut().zip(&rows) {
                        let value = simd.splat_f32s(row[channel]);
                        for (sum, weights) in sums.iter_mut().zip(&weights) {
                            *sum = simd.mul_add_e_f32s(value, weights[channel], *sum);
                        }
                    }
                }
            }
            for (all, sums) in all.iter_mut().zip(sums) {
                for (all, sum) in all.iter_mut().zip(sums) {
                    *all = if channels == 0 { sum } else { simd.add_f32s(*all, sum) };
                }
            }
        }
        all
    }
}
