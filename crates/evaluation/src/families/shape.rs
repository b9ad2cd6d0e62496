//! Shape: numbers of the map alone. The model is not asked.

use sweep::evaluation::Axis;
use sweep::parameters::{Default, Kind, Parameter, ParameterError, Parameters};

use super::family::{Family, axis};
use crate::numbers::norm;
use crate::parameters::{LARGEST, channels, parameter};
use crate::parts::Channels;
use crate::subject::{MeasureError, Model, Subject};

/// Numbers of a map, in their order.
pub(crate) const QUANTITIES: [&str; 7] = ["gini", "entropy", "effective", "top", "l1", "l2", "largest"];

/// Family of numbers of maps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape;

impl Family for Shape {
    fn name(&self) -> &'static str {
        "shape"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const ALL: &[Parameter] = &[
            channels("each"),
            parameter(
                "epsilon",
                "share of the largest value above which a value counts as effective",
                Kind::Number { least: 0.0, most: 1.0 },
                Some(Default::Number(1e-5)),
            ),
            LARGEST,
        ];
        ALL
    }

    fn axes(&self, _: &Parameters, _: [usize; 3]) -> Result<Vec<Axis>, ParameterError> {
        Ok(vec![axis("quantity", QUANTITIES.len())])
    }

    fn measure(
        &self,
        parameters: &Parameters,
        subject: &Subject<'_>,
        _: &mut dyn Model,
    ) -> Result<Vec<f32>, MeasureError> {
        let channels = Channels::of(parameters.word("channels")?);
        let (epsilon, percent) = (parameters.number("epsilon")?, parameters.integer("percent")? as usize);
        let mut sizes: Vec<f64> = channels.reduced(subject.map, subject.shape).into_iter().map(f64::abs).collect();
        sizes.sort_by(f64::total_cmp);
        Ok(numbers(&sizes, epsilon, percent).map(|number| number as f32).to_vec())
    }
}

/// Numbers of values without their signs, in rising order.
fn numbers(sizes: &[f64], epsilon: f64, percent: usize) -> [f64; QUANTITIES.len()] {
    let (n, largest) = (sizes.len(), sizes.last().copied().unwrap_or(f64::NAN));
    let sum: f64 = sizes.iter().sum();
    if !sum.is_finite() {
        return [f64::NAN; QUANTITIES.len()];
    }
    if largest == 0.0 {
        // A map of zeros has no shape.
        return [f64::NAN, f64::NAN, 0.0, f64::NAN, sum, norm(sizes.iter().copied()), largest];
    }
    let ranked = (1..).zip(sizes).map(|(rank, size): (usize, _)| (2 * rank) as f64 * size - (n + 1) as f64 * size);
    let share = |size: &f64| size / sum;
    let entropy: f64 = sizes.iter().map(share).filter(|share| *share > 0.0).map(|share| -share * share.ln()).sum();
    let effective = sizes.iter().filter(|size| **size / largest > epsilon).count();
    // The nearest whole number, as 5 % of 32 values are 1.6.
    let top = ((n * percent + 50) / 100).clamp(1, n);
    [
        ranked.sum::<f64>() / (n as f64 * sum),
        entropy,
        effective as f64,
        sizes[n - top..].iter().map(share).sum(),
        sum,
        norm(sizes.iter().copied()),
        largest,
    ]
}
