//! IDGI: each step's change of the logit, shared out by the squares of the gradient there.

use tch::{TchError, Tensor};

use crate::baseline::{BASELINES, Baseline};
use crate::methods::entry::Entry;
use crate::methods::gradients::integrated_gradients::N_STEPS;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::of_complete(
    [
        "IDGI",
        "the change of the target logit from step to step of the line from baseline to image, shared out by the squares of the gradient at the \
         step's beginning. A step whose gradient is zero is left out, and its change is missing from the sum",
        "Yang et al. 2023, https://arxiv.org/abs/2303.14242",
    ],
    &[BASELINES, N_STEPS],
    |parameters, _| {
        Ok(Box::new(Idgi { baseline: Baseline::from(parameters)?, steps: parameters.integer("n_steps")? }))
    },
)
.called(&["idgi", "IntegratedDirectionalGradients"]);

/// IDGI: `n_steps` forward and backward passes.
struct Idgi {
    baseline: Baseline,
    steps: i64,
}

impl Method for Idgi {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let (baseline, there) = pass.baseline(self.baseline)?;
        let line = pass.images().f_sub(&baseline)?;
        let mut map = pass.images().f_zeros_like()?;
        // Shares of the step that has begun, and the logits where it did.
        let mut begun: Option<(Tensor, Tensor)> = None;
        let steps: Vec<i64> = (0..self.steps).collect();
        for part in pass.parts(&steps) {
            let at = |step: &i64| line.f_mul_scalar(*step as f64 / self.steps as f64)?.f_add_(&baseline);
            let points = Tensor::f_cat(&part.iter().map(at).collect::<Result<Vec<_>, _>>()?, 0)?;
            let (gradients, scores) = pass.slopes_at(&points)?;
            for (gradient, score) in gradients.iter().zip(scores.f_unbind(0)?) {
                end(&mut map, begun.take(), &score)?;
                begun = Some((shares(gradient)?, score));
            }
        }
        end(&mut map, begun, pass.scores()?)?;
        let change = pass.scores()?.f_sub(&there)?;
        Ok(Attribution::complete(map, change))
    }
}

/// Adds the change of a step that has `begun` and ends with the logits `score` `[n]`.
fn end(map: &mut Tensor, begun: Option<(Tensor, Tensor)>, score: &Tensor) -> Result<(), TchError> {
    let Some((shares, before)) = begun else { return Ok(()) };
    let change = score.f_sub(&before)?.f_view([-1, 1, 1, 1])?.f_to_kind(map.f_kind()?)?;
    let _ = map.f_add_(&shares.f_mul(&change)?)?;
    Ok(())
}

/// Squares of `gradient` `[n, c, h, w]` over their sum for each image; zeros where that is zero.
fn shares(gradient: &Tensor) -> Result<Tensor, TchError> {
    // The largest as one: squares of small numbers are none in single precision.
    let largest = gradient.f_abs()?.f_amax([1_i64, 2, 3], true)?;
    let safe = largest.f_where_self(&largest.f_gt(0.0)?, &largest.f_ones_like()?)?;
    let squares = gradient.f_div(&safe)?.f_square()?;
    let sum = squares.f_sum_dim_intlist([1_i64, 2, 3].as_slice(), true, squares.f_kind()?)?;
    squares.f_div(&sum.f_where_self(&sum.f_gt(0.0)?, &sum.f_ones_like()?)?)
}
