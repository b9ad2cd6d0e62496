//! Shapley value sampling: what the logit gains when a patch appears, over random orders of appearance.

use std::borrow::Cow;

use network::sent;
use rand::seq::SliceRandom;
use sweep::parameters::{Default, Kind, Parameter};
use tch::{Device, TchError, Tensor};

use super::feature_ablation::PATCH_SIZE;
use crate::baseline::{BASELINES, Baseline};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::regression::Features;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "ShapleyValueSampling",
        "mean gain of the target logit when a patch appears, over random orders in which patches replace the baseline. The values of all patches \
         sum to the change of the logit; each pixel has the value of its patch. Captum draws one order for a batch, here each image has its own",
        "Castro et al. 2009, https://doi.org/10.1016/j.cor.2008.04.004",
    ],
    &[BASELINES, PATCH_SIZE, N_SAMPLES],
    |parameters, _| {
        Ok(Box::new(ShapleyValueSampling {
            baseline: Baseline::from(parameters)?,
            patch: parameters.integer("patch_size")?,
            samples: parameters.integer("n_samples")?,
        }))
    },
)
.with_prefix("n_samples")
.called(&["shapley_value_sampling", "ShapleyValues"]);

const N_SAMPLES: Parameter = Parameter {
    name: Cow::Borrowed("n_samples"),
    summary: Cow::Borrowed("orders of the patches; the first n of more are those of n"),
    kind: Kind::Integer { least: 1, most: 100_000 },
    default: Some(Default::Integer(25)),
};

/// Shapley value sampling: a forward pass for each patch but the last, of every order.
struct ShapleyValueSampling {
    baseline: Baseline,
    patch: i64,
    samples: i64,
}

impl Method for ShapleyValueSampling {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let mut all = self.on_the_way(pass, &[self.samples])?;
        all.pop().ok_or_else(|| TchError::Shape("no samples".to_owned()))
    }

    fn on_the_way(&self, pass: &Pass<'_>, values: &[i64]) -> Result<Vec<Attribution>, TchError> {
        let features = Features::of(pass, self.patch, self.baseline)?;
        let ends = [host(&pass.baseline(self.baseline)?.1)?, host(pass.scores()?)?];
        let mut sums = vec![vec![0.0; features.len()]; pass.len() as usize];
        let (mut done, mut all) = (0, Vec::with_capacity(values.len()));
        for &until in values {
            for sample in done..until {
                add_gains(pass, &features, sample as u64, &ends, &mut sums)?;
            }
            done = until;
            let means: Vec<f64> = sums.iter().flatten().map(|sum| sum / until as f64).collect();
            let means = Tensor::f_from_slice(&means)?.f_view([pass.len(), -1])?;
            all.push(features.painted(pass, &means)?.into());
        }
        Ok(all)
    }
}

/// Adds to `sums`, of each image and patch, what its logit gains when the patch appears in order number `sample`. `ends` are the logits
/// of the baseline and of the images.
fn add_gains(
    pass: &Pass<'_>,
    features: &Features,
    sample: u64,
    [first, last]: &[Vec<f64>; 2],
    sums: &mut [Vec<f64>],
) -> Result<(), TchError> {
    let orders: Vec<Vec<usize>> = (0..pass.len())
        .map(|row| {
            let mut order: Vec<usize> = (0..features.len()).collect();
            order.shuffle(&mut pass.origin().draw(row, "ShapleyValueSampling", sample).generator());
            order
        })
        .collect();
    let mut before = first.clone();
    let mut add = |at: usize, scores: &[f64]| {
        for (row, score) in scores.iter().enumerate() {
            sums[row][orders[row][at]] += score - before[row];
        }
        before = scores.to_vec();
    };
    // How many patches are there.
    let counts: Vec<usize> = (1..features.len()).collect();
    for part in pass.parts(&counts) {
        let there = part.iter().flat_map(|&count| {
            orders.iter().flat_map(move |order| {
                let mut there = vec![0.0; order.len()];
                order[..count].iter().for_each(|&patch| there[patch] = 1.0);
                there
            })
        });
        let there = Tensor::f_from_slice(&there.collect::<Vec<f64>>())?;
        let there = there.f_view([part.len() as i64, pass.len(), features.len() as i64])?;
        let scores = pass.scores_at(&features.perturbed(pass, &there)?)?;
        for (at, count) in (0..).zip(part) {
            add(count - 1, &host(&scores.f_select(0, at)?)?);
        }
    }
    add(features.len() - 1, last);
    Ok(())
}

fn host(scores: &Tensor) -> Result<Vec<f64>, TchError> {
    let scores = sent(scores, Device::Cpu)?.f_to_kind(tch::Kind::Double)?.f_contiguous()?;
    let mut values = vec![0.0; scores.numel()];
    scores.f_copy_data(&mut values, scores.numel())?;
    Ok(values)
}
