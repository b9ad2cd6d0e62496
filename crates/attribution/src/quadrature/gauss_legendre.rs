//! Gauss-Legendre quadrature on `[0, 1]`, the rule that Captum's integrated gradients use by default.

use std::f64::consts::PI;

/// Newton's method doubles the digits of the estimate, which has three: six steps are plenty.
const NEWTON_STEPS: usize = 8;

/// `n` points in rising order, each with its weight; the weights sum to one.
///
/// Exact for polynomials up to degree 2n - 1. The roots of the Legendre polynomial `P_n` are found by
/// Newton's method from Tricomi's estimate (Abramowitz and Stegun 22.16.6 and 25.4.29).
pub(crate) fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    let count = n as f64;
    let rule = (1..=n).rev().map(|index| {
        let estimate = (PI * (index as f64 - 0.25) / (count + 0.5)).cos();
        let root = (0..NEWTON_STEPS).fold(estimate, |x, _| {
            let (value, slope) = legendre(n, x);
            x - value / slope
        });
        let (_, slope) = legendre(n, root);
        let weight = 2.0 / ((1.0 - root * root) * slope * slope);
        (f64::midpoint(1.0, root), 0.5 * weight)
    });
    rule.collect()
}

/// `P_n(x)` and its derivative, by the three-term recurrence.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (0.0, 1.0);
    for k in 0..n {
        let k = k as f64;
        (before, value) = (value, ((2.0 * k + 1.0) * x * value - k * before) / (k + 1.0));
    }
    (value, n as f64 * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The integral of x^d over [0, 1] is 1 / (d + 1).
    #[test]
    fn polynomials_up_to_degree_2n_minus_1_are_integrated_exactly() {
        for n in [1, 2, 5, 50, 200] {
            let rule = gauss_legendre(n);
            for degree in 0..2 * n {
                let sum: f64 = rule.iter().map(|(x, w)| w * x.powi(degree as i32)).sum();
                assert!((sum * (degree + 1) as f64 - 1.0).abs() < 1e-11, "n {n} degree {degree}: {sum}");
            }
        }
    }
}
