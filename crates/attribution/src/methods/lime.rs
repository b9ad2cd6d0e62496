//! LIME: a sparse linear model of the network around one image.

use rand::RngExt;
use sweep::parameters::{Default, Kind, Parameter};
use tch::{TchError, Tensor};

use std::borrow::Cow;

use super::feature_ablation::PATCH_SIZE;
use super::kernel_shap::N_SAMPLES;
use super::{Entry, Method};
use crate::baseline::{BASELINES, Baseline};
use crate::regression::{Features, centred};
use crate::{Attribution, Pass};

pub(super) const ENTRY: Entry = Entry::new(
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
    kind: Kind::Number { least: 0.0, most: 1e6 },
    default: Some(Default::Number(0.01)),
};

/// `n_samples` forward passes, of as many images at once as the device takes.
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
            lasso(
                &floats(&rows.f_get(row)?)?,
                &floats(&values.f_get(row)?)?,
                &floats(&weights.f_get(row)?)?,
                self.alpha,
            )
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

/// Rounds over all coefficients, at most; far fewer are needed.
const MOST_ROUNDS: usize = 10_000;
/// A round that moves no coefficient by more than this share of the largest value is the last.
const STILL: f64 = 1e-10;

/// Minimises `sum w (y - X c)^2 / (2 sum w) + alpha sum |c|` over c by coordinate descent
/// (Friedman et al. 2010, <https://doi.org/10.18637/jss.v033.i01>): scikit-learn's `Lasso` with sample
/// weights. `rows` are the samples of `values.len()` x features, centred.
fn lasso(rows: &[f64], values: &[f64], weights: &[f64], alpha: f64) -> Result<Vec<f64>, TchError> {
    let features = rows.len() / values.len().max(1);
    let total: f64 = weights.iter().sum();
    let column = |feature: usize| rows.iter().skip(feature).step_by(features);
    let norms: Vec<f64> = (0..features)
        .map(|feature| column(feature).zip(weights).map(|(x, w)| w * x * x).sum::<f64>() / total)
        .collect();
    let mut coefficients = vec![0.0; features];
    let mut residual = values.to_vec();
    let still = STILL * values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    for _ in 0..MOST_ROUNDS {
        let mut moved: f64 = 0.0;
        for feature in (0..features).filter(|feature| norms[*feature] > 0.0) {
            let old = coefficients[feature];
            let products = column(feature).zip(weights).zip(&residual).map(|((x, w), r)| w * x * r);
            let pull = products.sum::<f64>() / total + norms[feature] * old;
            let new = pull.signum() * (pull.abs() - alpha).max(0.0) / norms[feature];
            if new != old {
                residual.iter_mut().zip(column(feature)).for_each(|(r, x)| *r -= x * (new - old));
                coefficients[feature] = new;
                moved = moved.max((new - old).abs());
            }
        }
        if moved <= still {
            return Ok(coefficients);
        }
    }
    Err(TchError::Shape(format!("the lasso over {features} patches did not settle in {MOST_ROUNDS} rounds")))
}
