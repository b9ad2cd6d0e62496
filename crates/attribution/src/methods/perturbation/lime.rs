//! LIME: a sparse linear model of the network around one image.

use rand::RngExt;
use sweep::parameters::{Default, Kind, Parameter};
use tch::{TchError, Tensor};

use std::borrow::Cow;

use super::feature_ablation::PATCH_SIZE;
use super::kernel_shap::N_SAMPLES;
use crate::baseline::{BASELINES, Baseline};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::regression::{Features, centred};
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "Lime",
        "coefficients of a sparse linear model of the target logit over random subsets of patches",
        "Ribeiro et al. 2016, https://arxiv.org/abs/1602.04938; kernel and lasso of Captum's Lime",
    ],
    &[BASELINES, PATCH_SIZE, N_SAMPLES, ALPHA],
    |parameters, _| {
        Ok(Box::new(Lime {
            baseline: Baseline::from(parameters)?,
            patch: parameters.integer("patch_size")?,
            samples: parameters.integer("n_samples")? as u64,
            alpha: parameters.number("alpha")?,
        }))
    },
);

const ALPHA: Parameter = Parameter {
    name: Cow::Borrowed("alpha"),
    summary: Cow::Borrowed("weight of the sum of absolute coefficients in the lasso"),
    kind: Kind::Number { least: 1e-9, most: 1e6 },
    default: Some(Default::Number(0.01)),
};

/// LIME: `n_samples` forward passes, of as many images at once as the device takes.
struct Lime {
    baseline: Baseline,
    patch: i64,
    samples: u64,
    alpha: f64,
}

impl Method for Lime {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let features = Features::of(pass, self.patch, self.baseline)?;
        let samples = features.sample(pass, self.samples, |row, sample| {
            let mut generator = pass.origin().draw(row, "Lime", sample).generator();
            (0..features.len()).map(|_| generator.random::<f64>() < 0.5).collect()
        })?;
        // exp(-d^2 / 2) with the cosine distance d: an exponential kernel of width 1.
        let weights = samples.similarity.f_neg()?.f_add_scalar(1.0)?.f_square()?.f_mul_scalar(-0.5)?.f_exp()?;
        let (rows, values) = centred(&samples.present, &samples.scores, &weights)?;
        let coefficients = (0..pass.len()).map(|row| {
            Ok::<_, TchError>(lasso(
                &floats(&rows.f_get(row)?)?,
                &floats(&values.f_get(row)?)?,
                &floats(&weights.f_get(row)?)?,
                self.alpha,
            ))
        });
        let coefficients = coefficients.collect::<Result<Vec<_>, _>>()?.concat();
        let coefficients = Tensor::f_from_slice(&coefficients)?.f_view([pass.len(), -1])?;
        Ok(features.painted(pass, &coefficients)?.into())
    }
}

fn floats(tensor: &Tensor) -> Result<Vec<f64>, TchError> {
    let mut values = vec![0.0; tensor.numel()];
    tensor.f_contiguous()?.f_copy_data(&mut values, tensor.numel())?;
    Ok(values)
}

/// Rounds over all coefficients, at most; mostly far fewer are needed. With few samples there are
/// directions along which the objective hardly falls: what is found by then is as good as any, as
/// scikit-learn says too when it stops (it warns, and goes on).
const MOST_ROUNDS: usize = 2000;
/// Distance from the least objective that is near enough, as a share of the objective of no coefficients.
const GAP: f64 = 1e-10;

/// Minimises `sum w (y - X c)^2 / (2 sum w) + alpha sum |c|` over c by coordinate descent
/// (Friedman et al. 2010, <https://doi.org/10.18637/jss.v033.i01>): scikit-learn's `Lasso` with sample
/// weights. `rows` are the samples of `values.len()` x features, centred.
fn lasso(rows: &[f64], values: &[f64], weights: &[f64], alpha: f64) -> Vec<f64> {
    let features = rows.len() / values.len().max(1);
    let column = |feature: usize| rows.iter().skip(feature).step_by(features);
    let product = |feature: usize, with: &[f64]| -> f64 {
        column(feature).zip(weights).zip(with).map(|((x, w), value)| w * x * value).sum()
    };
    let norms: Vec<f64> =
        (0..features).map(|feature| column(feature).zip(weights).map(|(x, w)| w * x * x).sum()).collect();
    let penalty = alpha * weights.iter().sum::<f64>();
    let mut coefficients = vec![0.0; features];
    let mut residual = values.to_vec();
    for _ in 0..MOST_ROUNDS {
        for feature in (0..features).filter(|feature| norms[*feature] > 0.0) {
            let old = coefficients[feature];
            let pull = product(feature, &residual) + norms[feature] * old;
            let new = pull.signum() * (pull.abs() - penalty).max(0.0) / norms[feature];
            residual.iter_mut().zip(column(feature)).for_each(|(r, x)| *r -= x * (new - old));
            coefficients[feature] = new;
        }
        let steepest = (0..features).map(|feature| product(feature, &residual).abs()).fold(0.0, f64::max);
        if gap(values, &residual, weights, &coefficients, (penalty, steepest)) <= GAP {
            break;
        }
    }
    coefficients
}

/// The duality gap of the lasso as a share of its objective without coefficients: how far the
/// objective can still fall. `steepest` is the largest product of a feature with the residual.
fn gap(
    values: &[f64],
    residual: &[f64],
    weights: &[f64],
    coefficients: &[f64],
    (penalty, steepest): (f64, f64),
) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).zip(weights).map(|((a, b), w)| w * a * b).sum::<f64>();
    let size: f64 = coefficients.iter().map(|coefficient| coefficient.abs()).sum();
    // The residual, scaled so that it is feasible for the dual problem.
    let scale = if steepest > penalty { penalty / steepest } else { 1.0 };
    let (left, all) = (dot(residual, residual), dot(values, values));
    let gap = 0.5 * left * (1.0 + scale * scale) + penalty * size - scale * dot(residual, values);
    if all == 0.0 { 0.0 } else { gap / all }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At the least objective every used feature is correlated with the residual by the penalty, and no
    /// other by more (Karush, Kuhn and Tucker).
    #[test]
    fn the_lasso_is_at_its_least_objective() {
        let rows = [1.0, 0.0, 0.3, -1.0, 0.5, 0.1, 0.2, -0.9, -0.4, -0.2, 0.4, 0.0];
        let (values, weights) = ([1.0, -2.0, 0.7, 0.3], [1.0, 0.5, 0.8, 0.9]);
        for alpha in [0.001, 0.05, 0.3, 10.0] {
            let found = lasso(&rows, &values, &weights, alpha);
            let penalty = alpha * weights.iter().sum::<f64>();
            for feature in 0..3 {
                let pull = (0..4).map(|sample| {
                    let model: f64 = (0..3).map(|other| rows[sample * 3 + other] * found[other]).sum();
                    weights[sample] * rows[sample * 3 + feature] * (values[sample] - model)
                });
                let pull: f64 = pull.sum();
                if found[feature] == 0.0 {
                    assert!(pull.abs() <= penalty * (1.0 + 1e-4), "alpha {alpha} feature {feature}");
                } else {
                    assert!(
                        (pull - penalty * found[feature].signum()).abs() < 1e-3 * penalty,
                        "alpha {alpha} feature {feature}"
                    );
                }
            }
        }
    }
}
