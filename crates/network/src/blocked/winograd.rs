//! 3x3 convolutions with 16 products for every 2x2 outputs instead of 36.
//!
//! Winograd's minimal filtering F(2x2, 3x3), as Lavin and Gray 2015 use it, <https://arxiv.org/abs/1509.09308>:
//! tiles of 4x4 inputs and the kernel are transformed, multiplied point by point (sixteen matrix products
//! over the channels), and transformed back. The products cost what a 1x1 convolution costs, and are one.
//!
//! The sums are those of another order, up to twice as far off as a direct convolution's (tests). So this serves
//! where nothing depends on the last bits: gradients on their way back.

#![expect(clippy::inline_always, reason = "what is not inlined is compiled without the wide instructions")]

use pulp::{Simd, WithSimd};
use tch::{Kind, TchError, Tensor};

use super::gradient::packed;
use super::kernels::{self, pixels, pixels_mut};
use super::memory::{each_column, each_run, values, values_mut};
use super::relu::Shape;
use super::shim::{block, convolve};
use crate::operations::Geometry;

/// Points of a transformed tile.
const POINTS: usize = 16;
/// Bytes of transformed tiles that are in flight: they should stay in the cache.
const IN_FLIGHT: usize = 8 << 20;
/// Products at one point, for all tiles of an image, from which on the calls are worth it with a few images.
const LEAST_WORK: i64 = 1 << 20;
/// Fewest channels for which the products outweigh the transforms.
const LEAST_CHANNELS: i64 = 64;

/// A convolution 3x3 with stride 1.
#[derive(Debug)]
pub(super) struct Winograd {
    /// For each point `[out, in]`, packed.
    points: Vec<Tensor>,
    channels: [i64; 2],
    padding: [i64; 2],
}

impl Winograd {
    /// Of `weight` `[out, in, 3, 3]`, if it has the shape for it.
    pub(super) fn of(weight: &Tensor, geometry: Geometry) -> Result<Option<Self>, TchError> {
        let (out, channels, height, width) = weight.size4()?;
        let dense = geometry.stride == [1, 1] && geometry.dilation == [1, 1] && geometry.groups == 1;
        let wide = out.min(channels) >= LEAST_CHANNELS && [out, channels].iter().all(|c| c % block().unwrap_or(1) == 0);
        if !dense || !wide || [height, width] != [3, 3] {
            return Ok(None);
        }
        // G g G^T.
        let transform = [1.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0.0, 0.0, 1.0];
        let transform = Tensor::f_from_slice(&transform)?.f_view([4, 3])?;
        let doubled = weight.f_to_kind(Kind::Double)?;
        let points = transform.f_matmul(&doubled)?.f_matmul(&transform.f_transpose(0, 1)?)?.f_to_kind(Kind::Float)?;
        let points = points.f_view([out, channels, POINTS as i64])?;
        let point = |at: i64| packed(&points.f_select(2, at)?.f_contiguous()?.f_view([out, channels, 1, 1])?);
        let points = (0..POINTS as i64).map(point).collect::<Result<Vec<_>, TchError>>()?;
        Ok(Some(Self { points, channels: [channels, out], padding: geometry.padding }))
    }

    /// Whether it is faster than a direct convolution of `x`: sixteen calls must have enough to do. The number of
    /// images is not asked for, so that it does not show in the last bits.
    pub(super) fn pays(&self, x: &Tensor) -> bool {
        let size = x.size();
        let tiles = ((size[2] + 1) / 2) * ((size[3] + 1) / 2);
        tiles * self.channels[0] * self.channels[1] >= LEAST_WORK
    }

    /// `[n, in / b, h, w, b]` to `[n, out / b, h', w', b]`.
    pub(super) fn apply(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let (n, _, height, width, block) = x.size5()?;
        let x = x.f_contiguous()?;
        let outputs = [height + 2 * self.padding[0] - 2, width + 2 * self.padding[1] - 2];
        let tiles = outputs.map(|output| (output + 1) / 2);
        let shape = [n, self.channels[1] / block, outputs[0], outputs[1], block];
        let y = Tensor::f_empty(shape, (Kind::Float, x.device()))?;
        let each = (tiles[0] * tiles[1]) as usize * POINTS * (self.channels[0] + self.channels[1]) as usize * 4;
        let rows = ((IN_FLIGHT / each.max(1)) as i64).clamp(1, n.max(1));
        for first in (0..n).step_by(rows as usize) {
            let rows = rows.min(n - first);
            let products = self.multiplied(&self.tiles(&x.f_narrow(0, first, rows)?, [height, width], tiles)?)?;
            gathered(&products, &mut y.f_narrow(0, first, rows)?, outputs, tiles)?;
        }
        Ok(y)
    }

    /// The tiles of some images, transformed: `[16, in / b, tiles, 1, b]`.
    fn tiles(&self, x: &Tensor, size: [i64; 2], tiles: [i64; 2]) -> Result<Tensor, TchError> {
        let (n, blocks, .., block) = x.size5()?;
        let count = n * tiles[0] * tiles[1];
        let mut transformed = Tensor::f_empty([POINTS as i64, blocks, count, 1, block], (Kind::Float, x.device()))?;
        let (from, Shape { plane, .. }) = (values::<f32>(x)?, Shape::of(x)?);
        let padding = self.padding;
        each_column(values_mut(&mut transformed)?, POINTS, (count * block) as usize, |column, points| {
            for (row, image) in from.chunks_exact(plane * blocks as usize).enumerate() {
                let x = &image[column * plane..][..plane];
                let first = row * (tiles[0] * tiles[1]) as usize;
                kernels::run(block as usize, Scatter { x, size, padding, tiles, first, points });
            }
        });
        Ok(transformed)
    }

    /// The products over the channels, point by point: `[1, out / b, tiles, 1, b]` each.
    fn multiplied(&self, transformed: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let product = |(at, weight): (i64, &Tensor)| {
            convolve(&transformed.f_narrow(0, at, 1)?, weight, None, Geometry::square(1, 0), None, block())
        };
        (0..).zip(&self.points).map(product).collect()
    }
}

/// The outputs of some images, `y`, from their products.
fn gathered(products: &[Tensor], y: &mut Tensor, outputs: [i64; 2], tiles: [i64; 2]) -> Result<(), TchError> {
    let Shape { blocks, plane, block } = Shape::of(y)?;
    let products = products.iter().map(values::<f32>).collect::<Result<Vec<_>, _>>()?;
    let per_image = (tiles[0] * tiles[1]) as usize * block;
    let images = y.size()[0] as usize;
    each_run(values_mut(y)?, plane, |index, out| {
        let (row, channel) = (index / blocks, index % blocks);
        let from = (channel * images + row) * per_image;
        let points: [&[f32]; POINTS] = std::array::from_fn(|point| &products[point][from..][..per_image]);
        kernels::run(block, Gather { points, outputs, tiles, out });
    });
    Ok(())
}

/// `B^T d` along one axis: four inputs to four points.
#[inline(always)]
fn spread<S: Simd>(simd: S, d: [S::f32s; 4]) -> [S::f32s; 4] {
    [simd.sub_f32s(d[0], d[2]), simd.add_f32s(d[1], d[2]), simd.sub_f32s(d[2], d[1]), simd.sub_f32s(d[1], d[3])]
}

/// `A^T m` along one axis: four points to two outputs.
#[inline(always)]
fn folded<S: Simd>(simd: S, m: [S::f32s; 4]) -> [S::f32s; 2] {
    let sum = simd.add_f32s(m[1], m[2]);
    let difference = simd.sub_f32s(m[1], m[2]);
    [simd.add_f32s(m[0], sum), simd.sub_f32s(difference, m[3])]
}

/// The tiles of one plane into the sixteen points, from tile `first` on.
struct Scatter<'a, 'b> {
    x: &'a [f32],
    size: [i64; 2],
    padding: [i64; 2],
    tiles: [i64; 2],
    first: usize,
    points: &'a mut [&'b mut [f32]],
}

impl WithSimd for Scatter<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, size: [height, width], padding, tiles, first, points } = self;
        let (x, zero) = (pixels::<S>(x), simd.splat_f32s(0.0));
        let mut at = first;
        for down in 0..tiles[0] {
            for across in 0..tiles[1] {
                let (top, left) = (2 * down - padding[0], 2 * across - padding[1]);
                let inside = top >= 0 && left >= 0 && top + 4 <= height && left + 4 <= width;
                let mut tile = [[zero; 4]; 4];
                for (row, line) in (top..).zip(&mut tile) {
                    if inside {
                        let from = (row * width + left) as usize;
                        line.copy_from_slice(&x[from..from + 4]);
                    } else if row >= 0 && row < height {
                        for (column, value) in (left..).zip(line) {
                            if column >= 0 && column < width {
                                *value = x[(row * width + column) as usize];
                            }
                        }
                    }
                }
                let mut lines = [[zero; 4]; 4];
                for column in 0..4 {
                    let of_column = spread(simd, [tile[0][column], tile[1][column], tile[2][column], tile[3][column]]);
                    for row in 0..4 {
                        lines[row][column] = of_column[row];
                    }
                }
                for row in 0..4 {
                    let of_row = spread(simd, lines[row]);
                    for column in 0..4 {
                        pixels_mut::<S>(points[4 * row + column])[at] = of_row[column];
                    }
                }
                at += 1;
            }
        }
    }
}

/// One plane of outputs from its sixteen points.
struct Gather<'a> {
    points: [&'a [f32]; POINTS],
    outputs: [i64; 2],
    tiles: [i64; 2],
    out: &'a mut [f32],
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { points, outputs: [height, width], tiles, out } = self;
        let (out, zero) = (pixels_mut::<S>(out), simd.splat_f32s(0.0));
        let mut at = 0;
        for down in 0..tiles[0] {
            for across in 0..tiles[1] {
                let mut lines = [[zero; 4]; 2];
                for column in 0..4 {
                    let mut m = [zero; 4];
                    for row in 0..4 {
                        m[row] = pixels::<S>(points[4 * row + column])[at];
                    }
                    let of_column = folded(simd, m);
                    lines[0][column] = of_column[0];
                    lines[1][column] = of_column[1];
                }
                for (row, line) in (2 * down..height).zip(lines) {
                    for (column, value) in (2 * across..width).zip(folded(simd, line)) {
                        out[(row * width + column) as usize] = value;
                    }
                }
                at += 1;
            }
        }
    }
}
