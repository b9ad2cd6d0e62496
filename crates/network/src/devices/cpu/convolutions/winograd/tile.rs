//! Tiles of 2x2 and of 4x4 outputs, and the space in which their convolution is a product.
//!
//! What a tile sees is changed by B^T, weights by G, sums by A^T, along each axis: Toom-Cook's interpolation at 0, 1, -1
//! and infinity for two outputs, at 0, 5/8, -5/8, 3/2, -3/2 and infinity for four. Of points whose powers are
//! exact in binary these four gave the least rounding among those tried: 1.4e-6 of the result where the usual 1, -1, 2, -2 give
//! 3.2e-6, tiles of two 0.5e-6, and the plain convolution 0.9e-6 (root mean square, 256 channels of noise).

#![expect(clippy::inline_always, reason = "what is not inlined is compiled without the wide instructions")]

use pulp::Simd;

/// Number of outputs that are computed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tile {
    /// F(2x2, 3x3): 16 products for 4 outputs.
    Two,
    /// F(4x4, 3x3): 36 products for 16 outputs.
    Four,
}

impl Tile {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 2] = [Self::Two, Self::Four];

    /// Outputs along an axis.
    pub(crate) fn outputs(self) -> i64 {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// Pixels that a tile sees along an axis.
    pub(crate) fn seen(self) -> i64 {
        self.outputs() + 2
    }

    /// The tile that takes fewer products for `[h, w]` outputs: chosen by the size of the map alone, as bits must not depend on a batch.
    pub(crate) fn of_fewest_products(outputs: [i64; 2]) -> Self {
        let products = |tile: Self| {
            let tiles: i64 = tile.over(outputs).iter().product();
            tiles * tile.seen() * tile.seen()
        };
        if products(Self::Four) < products(Self::Two) { Self::Four } else { Self::Two }
    }

    /// Number of tiles on each axis of `[h, w]` outputs.
    pub(crate) fn over(self, outputs: [i64; 2]) -> [i64; 2] {
        outputs.map(|size| (size + self.outputs() - 1).div_euclid(self.outputs()))
    }

    /// G: what changes three weights along an axis, `[seen, 3]`.
    pub(crate) fn of_weights(self) -> Vec<f64> {
        match self {
            Self::Two => vec![1.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0.0, 0.0, 1.0],
            Self::Four => {
                let (a, b) = (f64::from(NEAR), f64::from(FAR));
                // A point over its distances from all others.
                let row = |point: f64, distances: f64| [1.0, point, point * point].map(|power| power / distances);
                let (near, far) = (2.0 * a * a * (a * a - b * b), 2.0 * b * b * (b * b - a * a));
                let points = [row(0.0, a * a * b * b), row(a, near), row(-a, near), row(b, far), row(-b, far)];
                [points.concat(), vec![0.0, 0.0, 1.0]].concat()
            }
        }
    }
}

/// The points of [`Tile::Four`] besides 0 and infinity, of either sign.
const NEAR: f32 = 0.625;
const FAR: f32 = 1.5;

/// Transforms along an axis for a tile of `OUT` outputs that sees `SEEN` pixels.
pub(crate) trait Change<const OUT: usize, const SEEN: usize> {
    /// B^T.
    fn pixels<S: Simd>(simd: S, seen: [S::f32s; SEEN]) -> [S::f32s; SEEN];
    /// A^T.
    fn back<S: Simd>(simd: S, sums: [S::f32s; SEEN]) -> [S::f32s; OUT];
}

/// [`Tile::Two`].
pub(crate) struct Two;

impl Change<2, 4> for Two {
    #[inline(always)]
    fn pixels<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
        [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
    }

    #[inline(always)]
    fn back<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 2] {
        [simd.add_f32s(a, simd.add_f32s(b, c)), simd.sub_f32s(simd.sub_f32s(b, c), d)]
    }
}

/// [`Tile::Four`].
pub(crate) struct Four;

impl Change<4, 6> for Four {
    #[inline(always)]
    fn pixels<S: Simd>(simd: S, [s0, s1, s2, s3, s4, s5]: [S::f32s; 6]) -> [S::f32s; 6] {
        const A: f32 = NEAR * NEAR;
        const B: f32 = FAR * FAR;
        // With x the point: x^4 - (a^2 + b^2) x^2 + a^2 b^2 for 0, and that times x for infinity.
        let zero = plus(simd, plus(simd, s4, -(A + B), s2), A * B, s0);
        let infinity = plus(simd, plus(simd, s5, -(A + B), s3), A * B, s1);
        let (even, odd) = (plus(simd, s4, -B, s2), times(simd, NEAR, plus(simd, s3, -B, s1)));
        let (even_far, odd_far) = (plus(simd, s4, -A, s2), times(simd, FAR, plus(simd, s3, -A, s1)));
        [
            zero,
            simd.add_f32s(even, odd),
            simd.sub_f32s(even, odd),
            simd.add_f32s(even_far, odd_far),
            simd.sub_f32s(even_far, odd_far),
            infinity,
        ]
    }

    #[inline(always)]
    fn back<S: Simd>(simd: S, [s0, s1, s2, s3, s4, s5]: [S::f32s; 6]) -> [S::f32s; 4] {
        let (near, near_odd) = (simd.add_f32s(s1, s2), simd.sub_f32s(s1, s2));
        let (far, far_odd) = (simd.add_f32s(s3, s4), simd.sub_f32s(s3, s4));
        [
            simd.add_f32s(s0, simd.add_f32s(near, far)),
            at_both(simd, 1, near_odd, far_odd),
            at_both(simd, 2, near, far),
            simd.add_f32s(at_both(simd, 3, near_odd, far_odd), s5),
        ]
    }
}

// Functions, as closures would be compiled without the wide instructions.

/// `x + factor * y`.
#[inline(always)]
fn plus<S: Simd>(simd: S, x: S::f32s, factor: f32, y: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(simd.splat_f32s(factor), y, x)
}

#[inline(always)]
fn times<S: Simd>(simd: S, factor: f32, x: S::f32s) -> S::f32s {
    simd.mul_f32s(simd.splat_f32s(factor), x)
}

/// Powers of both points of four outputs, times the sums at these points.
#[inline(always)]
fn at_both<S: Simd>(simd: S, power: i32, near: S::f32s, far: S::f32s) -> S::f32s {
    plus(simd, times(simd, FAR.powi(power), far), NEAR.powi(power), near)
}
