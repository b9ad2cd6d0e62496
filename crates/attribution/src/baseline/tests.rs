//! Tests of baseline.

use serde_json::json;
use tch::{Device, Kind};

use super::*;

#[test]
fn a_blur_is_given_to_the_baseline_that_has_one() {
    let of = |given: serde_json::Value| Baseline::from(&serde_json::from_value(given).unwrap());
    assert_eq!(of(json!({"baselines": "blur", "sigma": 3.0})).unwrap(), Baseline::Blur(Some(3.0)));
    let error = of(json!({"baselines": "zero", "sigma": 3.0})).unwrap_err().to_string();
    assert_eq!(error, "parameter `sigma` is 3.0, expected `baselines: blur` beside it");
}

/// `scipy.ndimage.gaussian_filter1d([1, 0, 0, 0, 0, 0], 0.4, mode="constant")`, by hand: reach 2, weights 1, exp(-3.125) and exp(-12.5).
#[test]
fn a_blur_spreads_a_pixel_as_far_as_four_deviations() {
    let mut pixels = [0.0; 36];
    pixels[0] = 1.0;
    let image = Tensor::from_slice(&pixels).view([1, 1, 6, 6]);
    let found = blurred(&image, 0.4).unwrap();
    let [near, far] = [(-3.125_f64).exp(), (-12.5_f64).exp()];
    let total = 1.0 + 2.0 * (near + far);
    for (at, expected) in [([0, 0], 1.0), ([0, 1], near), ([0, 2], far), ([0, 3], 0.0), ([1, 1], near * near)] {
        let found = found.double_value(&[0, 0, at[0], at[1]]);
        assert!((found - expected / total.powi(2)).abs() < 1e-12, "{at:?}: {found}");
    }
    assert_eq!(blurred(&image, 0.0).unwrap(), image);
    let flat = Tensor::ones([1, 1, 401, 3], (Kind::Double, Device::Cpu));
    assert!((kernel(401, 20.0).unwrap().matmul(&flat).double_value(&[0, 0, 200, 1]) - 1.0).abs() < 1e-12);
}
