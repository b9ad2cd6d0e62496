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

#[cfg(test)]
mod tests {
    use super::*;

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
