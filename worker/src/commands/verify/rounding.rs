//! Rounding of maps: values as an array of the store holds them, and whether two maps differ by no more than that.

use sweep::group::Dtype;
use tch::{Device, Kind, TchError, Tensor};

use super::tolerance::NEAR;

/// Smallest half step of float16.
const HALF_STEP: f64 = 1.0 / (1 << 25) as f64;
pub(super) fn values(map: &Tensor) -> Result<Vec<f32>, TchError> {
    let map = map.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()?;
    let mut values = vec![0.0; map.numel()];
    map.f_copy_data(&mut values, map.numel())?;
    Ok(values)
}

/// `map` as an array of `dtype` holds it: very small values lose much of themselves.
pub(super) fn rounded(map: &[f32], dtype: Dtype) -> Result<Vec<f32>, TchError> {
    let stored = if dtype == Dtype::Float16 { Kind::Half } else { Kind::Float };
    values(&Tensor::f_from_slice(map)?.f_to_kind(stored)?)
}

/// The largest difference of a pixel, as a share of the peak of `exact`; nothing of a map of zeros. Of very small values in half
/// precision the two may be rounded to neighbours.
pub(super) fn of_peak(map: &[f32], exact: &[f32], dtype: Dtype) -> f32 {
    let step = if dtype == Dtype::Float16 { 2.0 * HALF_STEP as f32 } else { 0.0 };
    let largest =
        |values: &mut dyn Iterator<Item = f32>| values.fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let peak = largest(&mut exact.iter().copied());
    if peak == 0.0 {
        0.0
    } else {
        largest(&mut map.iter().zip(exact).map(|(a, b)| ((a - b).abs() - step).max(0.0))) / peak
    }
}

/// Whether both maps are the same but for rounding, that of the type in which one is stored included.
pub(super) fn is_near(stored: &[f32], computed: &[f32], dtype: Dtype) -> bool {
    let peak = computed.iter().fold(0.0_f32, |peak, value| peak.max(value.abs()));
    let half = if dtype == Dtype::Float16 { f64::from(peak) * NEAR + HALF_STEP } else { 0.0 };
    let accepted = f64::from(peak) * NEAR + half;
    let near = |(stored, computed): (&f32, &f32)| (f64::from(*stored) - f64::from(*computed)).abs() <= accepted;
    stored.len() == computed.len() && stored.iter().zip(computed).all(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roughness_is_the_farthest_pixel_of_the_peak() {
        let off = of_peak(&[1.0, -3.9, 0.0], &[1.0, -4.0, 0.02], Dtype::Float32);
        assert!((off - 0.1 / 4.0).abs() < 1e-6, "{off}");
        assert_eq!(of_peak(&[1.0], &[0.0], Dtype::Float32), 0.0);
        // Neighbours of half precision below 2^-14: 2^-24 apart.
        let [one, next] = [100.0, 101.0].map(|steps| steps * 0.5_f32.powi(24));
        assert_eq!(of_peak(&[one], &[next], Dtype::Float16), 0.0);
        assert!(of_peak(&[one], &[next], Dtype::Float32) > 0.009);
    }

    #[test]
    fn a_map_may_be_rounded_as_its_type_is_and_nothing_else() {
        let computed = [1.0, -0.5, 0.0];
        assert!(is_near(&[1.0004, -0.5, 0.0004], &computed, Dtype::Float32));
        assert!(!is_near(&[1.0006, -0.5, 0.0], &computed, Dtype::Float32));
        assert!(is_near(&[1.0006, -0.5, 0.0], &computed, Dtype::Float16));
        assert!(!is_near(&[1.0, -0.5, f32::NAN], &computed, Dtype::Float16));
        assert!(!is_near(&[1.0, -0.5], &computed, Dtype::Float16));
    }
}
