//! Quadrature on `[0, 1]`: the five rules of Captum's integrated gradients.

mod gauss_legendre;

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter};
use sweep::semantics::Semantics;
use tch::{Device, Kind as Element, TchError, Tensor};

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
pub(crate) fn rule(method: &str, n: usize, semantics: Semantics) -> Result<Vec<(f64, f64)>, TchError> {
    let count = n as f64;
    let (first, last) = match method {
        "riemann_left" => (0.0, 1.0 - 1.0 / count),
        "riemann_middle" => (0.5 / count, 1.0 - 0.5 / count),
        "riemann_right" => (1.0 / count, 1.0),
        "riemann_trapezoid" if n > 1 => (0.0, 1.0),
        "riemann_trapezoid" => (0.5, 0.5),
        _ => return Ok(gauss_legendre(n)),
    };
    // Captum's points are rounded to float32 before they are used: enough to flip a ReLU here and there.
    let kind = if semantics == Semantics::Exact { Element::Double } else { Element::Float };
    let points = Tensor::f_linspace(first, last, n as i64, (kind, Device::Cpu))?.f_to_kind(Element::Double)?;
    let mut alphas = vec![0.0; n];
    points.f_copy_data(&mut alphas, n)?;
    let gaps =
        if method == "riemann_trapezoid" && semantics == Semantics::Exact && n > 1 { count - 1.0 } else { count };
    let ends_count_half = method == "riemann_trapezoid" && n > 1;
    let weight = |at: usize| if ends_count_half && (at == 0 || at == n - 1) { 0.5 / gaps } else { 1.0 / gaps };
    Ok(alphas.into_iter().enumerate().map(|(at, alpha)| (alpha, weight(at))).collect())
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
                let rule = rule(method, n, Semantics::Exact).unwrap_or_default();
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
        let sum: f64 = rule("riemann_trapezoid", 5, Semantics::Captum).unwrap_or_default().iter().map(|(_, w)| w).sum();
        assert!((sum - 0.8).abs() < 1e-12);
    }
}
