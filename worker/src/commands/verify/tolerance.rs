//! Distance by which rounding may move a map: measured on the map itself.
//!
//! Another processor adds in another order. Where a ReLU's input is near zero it may open there and not here, and a map then moves
//! by percents of its length in a few places, or by none. Which, is seen by moving the image by a little more than rounding does,
//! in both directions of a few patterns: a ReLU whose input rounding can turn is turned by one of the two.

use sweep::group::Precision;

/// Share of the peak: what float16 takes of the largest value, and rounding in another order stays a hundred times below.
pub(super) const NEAR: f64 = 1.0 / 2048.0;
/// Share of each pixel by which it is nudged, at least. Sums of thousands of products in single precision, layer after layer, differ by
/// 1e-6 in another order.
/// In narrower types each value is rounded by more than this: there a pixel moves by the type's unit roundoff.
const NUDGE: f32 = 1.0 / (1 << 17) as f32;
/// Patterns, each of them in both directions: an input that rounding moves by up to d, and a pattern by 4 d on average, stays on
/// its side in both directions of all four in one case of ten thousand.
const PATTERNS: u32 = 4;
/// Factor by which a stored map may be farther from double precision than the farthest of these: each may turn one ReLU of three.
/// Maps of types narrower than single precision are 0.4 to 1.0 times as far off as the farthest (gradients of `ResNet`, `DenseNet` and VGG,
/// 64 px), those of hidden windows up to 1.8 times; gradients that single precision verifies, as a CPU does for TF32, 1.5 times.
const TIMES: f32 = 3.0;
/// Share of the length of a map, in unit roundoffs of a narrow type, which are rounded anew in each layer: maps of hidden windows were
/// off by up to 8 of them where nudges moved them by one.
const ROUNDOFFS: f32 = 16.0;
/// Share of the length of a map, where no rounding is accepted any more: maps that were exchanged are 1.4 of it apart, and the farthest
/// that rounding was seen to move one is 0.5 (`ResNet-50` in bfloat16).
const UNLIKE: f32 = 1.2;

/// Share of the length of a map by which the rounding of the network may be off, where nudged images are off by `moved`.
pub(super) fn accepted(precision: Precision, moved: f32) -> f32 {
    // Two numbers of float16 on both sides of one of single precision are 2^-10 of it apart.
    let least = (2.0 * NEAR as f32).max(ROUNDOFFS * precision.unit_roundoff());
    least.max(TIMES * moved).min(UNLIKE)
}

/// `pixels`, each of them a little larger or smaller: by what rounding in `precision` moves it.
pub(super) fn nudged(pixels: &[f32], precision: Precision) -> impl Iterator<Item = Vec<f32>> {
    let least = NUDGE.max(precision.unit_roundoff());
    let sign = move |pattern: u32, at: usize| if hash(pattern, at).is_multiple_of(2) { least } else { -least };
    (0..2 * PATTERNS).map(move |pattern| {
        let direction = if pattern % 2 == 0 { 1.0 } else { -1.0 };
        let nudge = |(at, pixel): (usize, &f32)| pixel + pixel * direction * sign(pattern / 2, at);
        pixels.iter().enumerate().map(nudge).collect()
    })
}

/// Mixes the bits of a position (`SplitMix64`, Steele et al. 2014, <https://doi.org/10.1145/2660193.2660195>).
fn hash(pattern: u32, at: usize) -> u64 {
    let mut bits = (u64::from(pattern) << 32 | at as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// The length of the difference, of that of `exact`; nothing of a map of zeros if both are.
pub(super) fn apart(map: &[f32], exact: &[f32]) -> f32 {
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
    let difference = squares(&mut map.iter().zip(exact).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    let length = squares(&mut exact.iter().map(|value| f64::from(*value)));
    if map.len() == exact.len() && difference == 0.0 { 0.0 } else { (difference / length).sqrt() as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pattern_moves_every_pixel_and_its_opposite_moves_it_back() {
        let all: Vec<Vec<f32>> = nudged(&[1.0; 64], Precision::Float32).collect();
        assert_eq!(all.len(), 8);
        for pair in all.chunks(2) {
            assert!(pair[0].iter().zip(&pair[1]).all(|(a, b)| a != b && (a + b - 2.0).abs() < 1e-7));
            let up = pair[0].iter().filter(|pixel| **pixel > 1.0).count();
            assert!((16..48).contains(&up), "{up} of 64");
        }
        assert_ne!(all[0], all[2]);
    }

    #[test]
    fn a_pixel_moves_by_what_its_precision_rounds_it_by() {
        for (precision, by) in
            [(Precision::Float64, 17), (Precision::Float32, 17), (Precision::Tf32, 11), (Precision::Bfloat16, 8)]
        {
            let first = nudged(&[1.0], precision).next().unwrap_or_default();
            assert_eq!((first[0] - 1.0).abs(), 0.5_f32.powi(by), "{precision:?}");
        }
    }

    #[test]
    fn what_moves_by_rounding_is_accepted_three_times_as_far_and_what_does_not_is_held_to_its_type() {
        assert_eq!(accepted(Precision::Float32, 0.0), 1.0 / 1024.0);
        assert_eq!(accepted(Precision::Float32, 0.02), 0.06);
        // 16 times 2^-11 and 2^-8.
        assert_eq!(accepted(Precision::Tf32, 0.0), 1.0 / 128.0);
        assert_eq!(accepted(Precision::Bfloat16, 0.01), 1.0 / 16.0);
        assert_eq!(accepted(Precision::Tf32, 0.02), 0.06);
        assert_eq!(accepted(Precision::Bfloat16, 0.5), 1.2);
    }

    #[test]
    fn maps_that_were_exchanged_are_farther_apart_than_any_rounding() {
        let (one, other) = ([3.0, 4.0, 0.0], [0.0, 0.0, 5.0]);
        assert_eq!(apart(&one, &one), 0.0);
        assert!((apart(&one, &other) - 2.0_f32.sqrt()).abs() < 1e-6);
        assert!(apart(&[f32::NAN, 4.0, 0.0], &one).is_nan());
        assert!(apart(&one, &[0.0; 3]).is_infinite());
        assert_eq!(apart(&[0.0; 3], &[0.0; 3]), 0.0);
    }
}
