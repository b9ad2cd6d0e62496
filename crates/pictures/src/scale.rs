//! Scale: the absolute value from which on pixels get the full colour.

use std::fmt;
use std::str::FromStr;

use crate::error::PictureError;

/// Rule for outliers, which get the full colour as well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outliers {
    /// Values above a percentile of the absolute values, in (0, 100].
    Percentile(f64),
    /// Captum's rule: values behind which 2 % of the sum of the absolute values lie.
    Captum,
}

/// Share of the sum of absolute values that Captum's rule keeps below the full colour.
const CAPTUM: f64 = 0.98;

impl FromStr for Outliers {
    type Err = PictureError;

    fn from_str(text: &str) -> Result<Self, PictureError> {
        if text == "captum" {
            return Ok(Self::Captum);
        }
        let percentile = text.parse().ok().filter(|percentile| *percentile > 0.0 && *percentile <= 100.0);
        percentile.map(Self::Percentile).ok_or_else(|| PictureError::Word {
            what: "rule for outliers",
            found: text.to_owned(),
            expected: "a percentile above 0 and up to 100, or `captum`".to_owned(),
        })
    }
}

impl fmt::Display for Outliers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(100.0) => write!(f, "the largest absolute value"),
            Self::Percentile(percentile) => write!(f, "the {percentile}th percentile of absolute values"),
            Self::Captum => write!(f, "Captum's rule, 2 % of the sum"),
        }
    }
}

/// Absolute value from which on pixels of `panels`, which share a scale, get the full colour; 0 where all values are zero. Values
/// that are not finite do not count.
pub fn full_colour<'a>(panels: impl IntoIterator<Item = &'a [f32]>, outliers: Outliers) -> f64 {
    let values = panels.into_iter().flatten().filter(|value| value.is_finite());
    let mut sizes: Vec<f32> = values.map(|value| value.abs()).collect();
    if sizes.is_empty() {
        return 0.0;
    }
    let largest = f64::from(sizes.iter().copied().fold(0.0, f32::max));
    let found = match outliers {
        Outliers::Percentile(percentile) => self::percentile(&mut sizes, percentile),
        Outliers::Captum => captum(&mut sizes),
    };
    // A map whose few values are all outliers would be a map of nothing.
    if found > 0.0 { found } else { largest }
}

/// Percentile between two neighbours in order, by linear interpolation, as numpy has it.
fn percentile(sizes: &mut [f32], percentile: f64) -> f64 {
    let place = (sizes.len() - 1) as f64 * percentile / 100.0;
    let at = (place as usize).min(sizes.len() - 1);
    let (_, lower, above) = sizes.select_nth_unstable_by(at, f32::total_cmp);
    let lower = f64::from(*lower);
    let upper = above.iter().copied().min_by(f32::total_cmp).map_or(lower, f64::from);
    lower + (upper - lower) * (place - at as f64)
}

/// The first value at which the sum over all smaller ones reaches 98 %: a share of the sum, not of the pixels.
fn captum(sizes: &mut [f32]) -> f64 {
    sizes.sort_unstable_by(f32::total_cmp);
    let all: f64 = sizes.iter().map(|size| f64::from(*size)).sum();
    let mut sum = 0.0;
    let found = sizes.iter().map(|size| f64::from(*size)).find(|size| {
        sum += size;
        sum >= all * CAPTUM
    });
    found.unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(values: &[f32], rule: &str) -> f64 {
        full_colour([values], rule.parse().unwrap())
    }

    /// numpy: `np.percentile([1, 2, 3, 4], 50)` is 2.5, and 90 gives 3.7.
    #[test]
    fn percentiles_are_those_of_numpy() {
        let values = [-4.0, 2.0, -1.0, 3.0];
        assert_eq!((full(&values, "50"), full(&values, "100")), (2.5, 4.0));
        assert!((full(&values, "90") - 3.7).abs() < 1e-12);
        assert_eq!(full_colour([&values[..2], &values[2..]], Outliers::Percentile(50.0)), 2.5);
    }

    /// The sum is 100: 49 + 49 are 98 of it.
    #[test]
    fn the_rule_of_captum_is_a_share_of_the_sum() {
        assert_eq!(full(&[49.0, 50.0, 1.0], "captum"), 50.0);
        assert_eq!(full(&[48.0, 50.0, 2.0], "captum"), 50.0);
        assert_eq!(full(&[97.0, 1.0, 1.0, 1.0], "captum"), 97.0);
    }

    #[test]
    fn a_map_of_few_values_has_its_largest_and_one_of_zeros_has_none() {
        let mut values = vec![0.0; 1000];
        assert_eq!(full(&values, "99"), 0.0);
        values[3] = -7.0;
        assert_eq!(full(&values, "99"), 7.0);
        assert_eq!((full(&[f32::NAN, 1.0], "99"), full(&[], "captum")), (1.0, 0.0));
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        assert!(["0", "101", "-1", "NaN", "inf", "x", ""].iter().all(|text| text.parse::<Outliers>().is_err()));
    }
}
