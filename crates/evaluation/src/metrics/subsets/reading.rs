//! Reading of sums and falls over random subsets.

use std::borrow::Cow;

use sweep::parameters::{Parameter, ParameterError, Parameters};

use crate::families::{Changes, Sums};
use crate::metrics::reading::of_rows;
use crate::metrics::{Measured, Metric, Row};
use crate::parameters::{cut, square};

/// Metric that is the `number` of sums and falls over the subsets of these parameters. The `sum` is 0 for that of the map, 1 for that
/// of the map without signs, 2 for that of map times image; the fall is that of the `score`.
pub(super) fn of_subsets(
    parameters: &Parameters,
    sum: usize,
    number: fn(&[f64], &[f64]) -> f64,
) -> Result<Box<dyn Metric>, ParameterError> {
    let measured = vec![Measured::with(&Sums, parameters), Measured::with(&Changes, parameters)];
    let fall = usize::from(parameters.word("score")? == "logit");
    Ok(of_rows(measured, move |rows| {
        let (sums, falls) = (column(&rows[0], sum), column(&rows[1], fall));
        // An image without its label has no falls: ranks and counts of what is undefined would be numbers.
        let is_known = sums.iter().chain(&falls).all(|number| !number.is_nan());
        if is_known { number(&sums, &falls) } else { f64::NAN }
    }))
}

/// Column number `at` of a row with two axes.
fn column(row: &Row<'_>, at: usize) -> Vec<f64> {
    row.values.iter().skip(at).step_by(row.size(1).max(1)).map(|value| f64::from(*value)).collect()
}

/// Parts that are removed alone.
pub(super) const CUT: Parameter = cut(&[Cow::Borrowed("patches"), Cow::Borrowed("values")]);

/// Side of a patch.
pub(super) const SIDE: Parameter = square(1, 16);
