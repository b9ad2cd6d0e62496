//! Reading of sums and falls over random subsets.

use sweep::parameters::{Default, Kind, Parameter, ParameterError, Parameters};

use crate::families::{Changes, Sums};
use crate::metrics::{Measured, Metric, Row};
use crate::parameters::parameter;

/// Parameter for the number of random sets, so many where it is not given.
pub(super) const fn runs(default: i64) -> Parameter {
    let kind = Kind::Integer { least: 2, most: 32768 };
    parameter("runs", "number of random sets", kind, Some(Default::Integer(default)))
}

/// Output of the model whose fall is taken. The logarithm of a probability has no fall of its own among the measurements.
pub(super) const fn score(default: &'static str) -> Parameter {
    use std::borrow::Cow::Borrowed;
    const WORDS: Kind = Kind::Word(Borrowed(&[Borrowed("probability"), Borrowed("logit")]));
    parameter("score", "output of the model that is followed", WORDS, Some(Default::Word(Borrowed(default))))
}

/// Metric that is one number of sums and falls.
#[derive(Clone, Debug)]
pub(super) struct OfSubsets {
    measured: [Measured; 2],
    /// Index of the sum: of the map, of the map without signs, of map times image.
    sum: usize,
    /// Index of the fall: of the probability, of the logit.
    fall: usize,
    number: fn(&[f64], &[f64]) -> f64,
}

impl OfSubsets {
    /// Metric that is the `number` of sums and falls over the subsets of these parameters.
    pub(super) fn boxed(
        parameters: &Parameters,
        sum: usize,
        number: fn(&[f64], &[f64]) -> f64,
    ) -> Result<Box<dyn Metric>, ParameterError> {
        let measured = [Measured::with(&Sums, parameters), Measured::with(&Changes, parameters)];
        let fall = usize::from(parameters.word("score")? == "logit");
        Ok(Box::new(Self { measured, sum, fall, number }))
    }
}

impl Metric for OfSubsets {
    fn measured(&self) -> Vec<Measured> {
        self.measured.to_vec()
    }

    fn score(&self, rows: &[Row<'_>]) -> f64 {
        let [sums, falls] = rows else { return f64::NAN };
        let (sums, falls) = (column(sums, self.sum), column(falls, self.fall));
        // An image without its label has no falls: ranks and counts of what is undefined would be numbers.
        let is_known = sums.iter().chain(&falls).all(|number| !number.is_nan());
        if is_known { (self.number)(&sums, &falls) } else { f64::NAN }
    }
}

/// Column number `at` of a row with two axes.
fn column(row: &Row<'_>, at: usize) -> Vec<f64> {
    row.values.iter().skip(at).step_by(row.size(1).max(1)).map(|value| f64::from(*value)).collect()
}

/// Parts that are removed alone.
pub(super) const CUT: Parameter = {
    use std::borrow::Cow::Borrowed;
    parameter(
        "cut",
        "parts that are removed alone",
        Kind::Word(Borrowed(&[Borrowed("patches"), Borrowed("values")])),
        Some(Default::Word(Borrowed("patches"))),
    )
};

/// Side of a patch.
pub(super) const SIDE: Parameter = parameter(
    "square",
    "side of a patch in pixels",
    Kind::Integer { least: 1, most: 1024 },
    Some(Default::Integer(16)),
);
