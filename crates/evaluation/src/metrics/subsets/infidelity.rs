//! Infidelity: how far the map is from what the model loses with a square of the image.

use std::borrow::Cow;

use sweep::evaluation::Direction;
use sweep::parameters::{Default, Kind, Parameter};

use super::reading::of_subsets;
use crate::metrics::Entry;
use crate::numbers::mean;
use crate::parameters::{TARGET, cut, parameter, runs, score_that_falls, square};

/// Squares that are removed: at random, or each of a grid once.
const CUT: Parameter = cut(&[Cow::Borrowed("random"), Cow::Borrowed("patches")]);

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "Infidelity",
    summary: "mean square of map times image over a random square minus the fall of the logit where the square is 0; `scaled` \
              multiplies the map by the best factor first. The map is to be in units of the gradient",
    reference: "Yeh et al. 2019, https://arxiv.org/abs/1901.09392",
    direction: Direction::Lower,
    parameters: &[
        runs(100),
        square(1, 4),
        CUT,
        parameter("scaled", "multiply the map by the best factor", Kind::Boolean, Some(Default::Boolean(false))),
        TARGET,
        score_that_falls("logit"),
    ],
    build: |parameters| {
        let number = if parameters.boolean("scaled")? { scaled } else { plain };
        let mut parameters = parameters.clone();
        parameters.0.insert("baseline".to_owned(), "zero".into());
        of_subsets(&parameters, 2, number)
    },
};

/// Mean square of the difference.
fn plain(sums: &[f64], falls: &[f64]) -> f64 {
    mean(&sums.iter().zip(falls).map(|(sum, fall)| (sum - fall).powi(2)).collect::<Vec<_>>())
}

/// Infidelity of sums that are multiplied by the factor for which infidelity is least; undefined where all sums are 0.
fn scaled(sums: &[f64], falls: &[f64]) -> f64 {
    let factor = sums.iter().zip(falls).map(|(sum, fall)| sum * fall).sum::<f64>()
        / sums.iter().map(|sum| sum * sum).sum::<f64>();
    plain(&sums.iter().map(|sum| factor * sum).collect::<Vec<_>>(), falls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_that_is_right_up_to_a_factor_has_no_scaled_infidelity() {
        assert!(scaled(&[1.0, -2.0, 0.5], &[3.0, -6.0, 1.5]).abs() < 1e-30);
        assert!((plain(&[1.0, 2.0], &[1.0, 4.0]) - 2.0).abs() < 1e-15);
        assert!(scaled(&[0.0, 0.0], &[1.0, 2.0]).is_nan());
    }
}
