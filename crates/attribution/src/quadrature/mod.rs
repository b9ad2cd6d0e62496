//! Quadrature on `[0, 1]`: the five rules of Captum's integrated gradients.

mod gauss_legendre;

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter};
use sweep::semantics::Semantics;

pub(crate) use gauss_legendre::gauss_legendre;

/// The rule, as Captum calls it.
pub(crate) const METHOD: Parameter = Parameter {
    name: Cow::Borrowed("method"),
    summary: Cow::Borrowed("rule by which the integral is approximated"),
    kind: Kind::Word(Cow::Borrowed(&[
        Cow::Borrowed("gausslegendre"),
        Cow::Borrowed("riemann_left"),
        Cow::Borrowed("riemann_middle"),
        Cow::Borrowed("riemann_right"),
        Cow::Borrowed("riemann_trapezoid"),
    ])),
    default: Some(Default::Word(Cow::Borrowed("gausslegendre"))),
};

/// `n` points in rising order, each with its weight. The weights sum to one, but for Captum's
/// trapezoids: theirs are 1/n with half at both ends, which sum to (n - 1) / n.
pub(crate) fn rule(method: &str, n: usize, semantics: Semantics) -> Vec<(f64, f64)> {
    let count = n as f64;
    let equal = |shift: f64| (0..n).map(|k| ((k as f64 + shift) / count, 1.0 / count)).collect();
    match method {
        "riemann_left" => equal(0.0),
        "riemann_middle" => equal(0.5),
        "riemann_right" => equal(1.0),
        "riemann_trapezoid" if n > 1 => {
            let gaps = count - 1.0;
            let width = if semantics == Semantics::Exact { 1.0 / gaps } else { 1.0 / count };
            let weight = |k: usize| if k == 0 || k == n - 1 { width / 2.0 } else { width };
            (0..n).map(|k| (k as f64 / gaps, weight(k))).collect()
        }
        _ => gauss_legendre(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METHODS: [&str; 5] =
        ["gausslegendre", "riemann_left", "riemann_middle", "riemann_right", "riemann_trapezoid"];

    /// Riemann sums are exact for constants; middle, trapezoids and Gauss-Legendre for straight lines too.
    #[test]
    fn every_rule_integrates_constants_and_the_symmetric_ones_straight_lines() {
        for method in METHODS {
            for n in [2, 5, 50] {
                let rule = rule(method, n, Semantics::Exact);
                let sum = |f: fn(f64) -> f64| rule.iter().map(|(x, w)| w * f(*x)).sum::<f64>();
                assert!((sum(|_| 1.0) - 1.0).abs() < 1e-12, "{method} {n}");
                let line = match method {
                    "riemann_left" => 0.5 - 0.5 / n as f64,
                    "riemann_right" => 0.5 + 0.5 / n as f64,
                    _ => 0.5,
                };
                assert!((sum(|x| x) - line).abs() < 1e-12, "{method} {n}");
            }
        }
    }

    /// As numpy and Captum 0.9 give them: `linspace(0, 1, 5)` with weights .1 .2 .2 .2 .1.
    #[test]
    fn captums_trapezoids_sum_to_n_minus_1_over_n() {
        let sum: f64 = rule("riemann_trapezoid", 5, Semantics::Captum).iter().map(|(_, w)| w).sum();
        assert!((sum - 0.8).abs() < 1e-12);
    }
}
