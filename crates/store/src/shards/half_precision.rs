//! Rounds maps from single to half precision, and counts what is lost, so that no map is lost silently.

use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::error::StoreError;

/// Maps in half precision, and the share of their values that was lost.
#[derive(Clone, Debug)]
pub struct Narrowed {
    /// The values, rounded to nearest, ties to even.
    pub values: Vec<f16>,
    /// For each image the share of its non-zero values that became zero.
    pub underflow: Vec<f32>,
}

/// Rounds the maps of `array`, `per_image` values an image, the first of which has index `first`.
///
/// # Errors
/// [`StoreError::TooLarge`] for a value that half precision could only hold as infinity.
pub fn narrow(array: &str, maps: &[f32], per_image: usize, first: u64) -> Result<Narrowed, StoreError> {
    let mut values = vec![f16::ZERO; maps.len()];
    values.convert_from_f32_slice(maps);
    let mut underflow = Vec::with_capacity(maps.len() / per_image);
    for (image, (wide, narrow)) in (first..).zip(maps.chunks(per_image).zip(values.chunks(per_image))) {
        if let Some(at) = narrow.iter().position(|value| !value.is_finite()) {
            return Err(StoreError::TooLarge { array: array.to_owned(), image, value: wide[at] });
        }
        let non_zero = wide.iter().filter(|value| **value != 0.0).count();
        let kept = narrow.iter().filter(|value| **value != f16::ZERO).count();
        underflow.push((non_zero - kept) as f32 / non_zero.max(1) as f32);
    }
    Ok(Narrowed { values, underflow })
}

/// What is known of the values of a map before a device rounded them to half precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unrounded {
    /// Number of values that are not zero.
    pub non_zero: u32,
    /// The first value that is infinite in half precision; any value where there is none.
    pub too_large: f32,
}

/// The share of the non-zero values of a map that became zero where a device rounded them: `halves` are the native bytes of what the
/// device gave, in place, and `unrounded` is of the map before. The same as [`narrow`] says of the map of `array` with index `image`.
///
/// # Errors
/// [`StoreError::TooLarge`] for a value that half precision could only hold as infinity.
pub fn lost(array: &str, halves: &[u8], unrounded: Unrounded, image: u64) -> Result<f32, StoreError> {
    let (mut kept, mut is_finite) = (0_u32, true);
    // Without an early end, so that the compiler takes many values at once.
    for half in halves.chunks_exact(size_of::<f16>()) {
        let size = u16::from_ne_bytes([half[0], half[1]]) & SIZE;
        kept += u32::from(size != 0);
        is_finite &= size < f16::INFINITY.to_bits();
    }
    if !is_finite {
        return Err(StoreError::TooLarge { array: array.to_owned(), image, value: unrounded.too_large });
    }
    Ok(unrounded.non_zero.saturating_sub(kept) as f32 / unrounded.non_zero.max(1) as f32)
}

/// All bits of a half but its sign.
const SIZE: u16 = 0x7fff;

/// The values of `halves`, native bytes, in single precision.
pub fn widened(halves: &[u8]) -> Vec<f32> {
    let half = |bytes: &[u8]| f16::from_ne_bytes([bytes[0], bytes[1]]).to_f32();
    halves.chunks_exact(size_of::<f16>()).map(half).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a device that rounds as [`narrow`] does would give of `map`.
    fn rounded(map: &[f32]) -> (Vec<u8>, Unrounded) {
        let halves: Vec<f16> = map.iter().map(|value| f16::from_f32(*value)).collect();
        let too_large = halves.iter().position(|half| half.is_infinite()).map_or(0.0, |at| map[at]);
        let non_zero = map.iter().filter(|value| **value != 0.0).count() as u32;
        (halves.iter().flat_map(|half| half.to_ne_bytes()).collect(), Unrounded { non_zero, too_large })
    }

    #[test]
    fn what_a_device_rounds_is_told_of_as_what_is_rounded_here() {
        let maps: [&[f32]; 5] =
            [&[1.0, 2.9e-8, 0.0, -2.9e-8, -0.0], &[3e-8, 0.5, 65504.0], &[0.0, 0.0], &[1e-9], &[-2.0]];
        for map in maps {
            let (halves, unrounded) = rounded(map);
            let narrowed = narrow("a", map, map.len(), 7).unwrap();
            assert_eq!(lost("a", &halves, unrounded, 7).unwrap().to_bits(), narrowed.underflow[0].to_bits(), "{map:?}");
            assert_eq!(widened(&halves), narrowed.values.iter().map(|half| half.to_f32()).collect::<Vec<_>>());
        }
        for map in [[1.0, 65520.0, -1e9], [-70000.0, 65519.0, 65520.0]] {
            let (halves, unrounded) = rounded(&map);
            let texts = [lost("a", &halves, unrounded, 7).unwrap_err(), narrow("a", &map, 3, 7).unwrap_err()];
            assert_eq!(texts[0].to_string(), texts[1].to_string());
        }
    }

    /// The smallest half is 2^-24 = 5.96e-8; 2.9e-8 is below half of it.
    #[test]
    fn values_below_half_precision_are_counted_for_each_image() {
        let maps = [1.0, 2.9e-8, 0.0, -2.9e-8, 3e-8, 0.5, 0.0, 65504.0];
        let narrowed = narrow("a", &maps, 4, 0).unwrap();
        assert_eq!(narrowed.underflow, [2.0 / 3.0, 0.0]);
        assert_eq!(narrowed.values[7].to_f32(), 65504.0);
    }

    /// 65519 rounds to the largest half, 65520 to infinity.
    #[test]
    fn a_value_that_half_precision_cannot_hold_is_an_error_that_names_image_and_value() {
        assert!(narrow("a", &[0.0, 65519.0], 1, 10).is_ok());
        let error = narrow("a", &[0.0, -65520.0], 1, 10).unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { image: 11, value, .. } if value == -65520.0));
    }
}
