//! Kernel SHAP: Shapley values as a linear regression over random coalitions of patches.

use std::borrow::Cow;

use rand::RngExt;
use rand::seq::index;
use sweep::parameters::{Default, Kind, Parameter};
use tch::TchError;

use super::feature_ablation::PATCH_SIZE;
use crate::baseline::{BASELINES, Baseline};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::regression::{Features, centred};
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "KernelShap",
        "Shapley values of patches, by linear regression over random coalitions",
        "Lundberg and Lee 2017, https://arxiv.org/abs/1705.07874; sampled as Captum's KernelShap",
    ],
    &[BASELINES, PATCH_SIZE, N_SAMPLES],
    |parameters, _| {
        Ok(Box::new(KernelShap {
            baseline: Baseline::from(parameters)?,
            patch: parameters.integer("patch_size")?,
            samples: parameters.integer("n_samples")? as u64,
        }))
    },
);

/// Number of coalitions that are tried for each image.
pub(super) const N_SAMPLES: Parameter = Parameter {
    name: Cow::Borrowed("n_samples"),
    summary: Cow::Borrowed("random coalitions of patches; should be several times the number of patches"),
    kind: Kind::Integer { least: 3, most: 1_000_000 },
    default: Some(Default::Integer(25)),
};

/// Weight of the whole image and of the bare baseline: the sum of the map is all but fixed.
const WHOLE: f64 = 1e6;

/// Kernel SHAP: `n_samples` forward passes, of as many images at once as the device takes.
struct KernelShap {
    baseline: Baseline,
    patch: i64,
    samples: u64,
}

impl Method for KernelShap {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let features = Features::of(pass, self.patch, self.baseline)?;
        let sizes = Sizes::of(features.len());
        let samples = features.sample(pass, self.samples, |row, sample| match sample {
            0 => vec![true; features.len()],
            1 => vec![false; features.len()],
            _ => sizes.coalition(&mut pass.origin().draw(row, "KernelShap", sample).generator()),
        })?;
        let weights = samples.scores.f_ones_like()?;
        let _ = weights.f_narrow(1, 0, 2)?.f_fill_(WHOLE)?;
        let (rows, values) = centred(&samples.present, &samples.scores, &weights)?;
        let root = weights.f_sqrt()?.f_unsqueeze(2)?;
        let (rows, values) = (rows.f_mul(&root)?, values.f_unsqueeze(2)?.f_mul(&root)?);
        // The solution of least norm where there are fewer coalitions than patches, as scikit-learn's.
        let (solution, _, _, _) = rows.f_linalg_lstsq(&values, None, "gelsd")?;
        Ok(features.painted(pass, &solution.f_squeeze_dim(2)?)?.into())
    }
}

/// Distribution of the sizes of coalitions of d features: `p(k)` as `(d - 1) / (k (d - k))` for 0 < k < d, Kernel
/// SHAP's weights summed over all coalitions of a size. Each coalition then counts the same.
struct Sizes {
    features: usize,
    /// Sums of the chances of 1, 2, .. features.
    cumulative: Vec<f64>,
}

impl Sizes {
    fn of(features: usize) -> Self {
        let mut sum = 0.0;
        let chance = |size: usize| {
            sum += 1.0 / (size as f64 * (features - size) as f64);
            sum
        };
        Self { features, cumulative: (1..features).map(chance).collect() }
    }

    fn coalition(&self, generator: &mut impl rand::Rng) -> Vec<bool> {
        let mut present = vec![false; self.features];
        let number = generator.random::<f64>() * self.cumulative.last().copied().unwrap_or(0.0);
        let size = 1 + self.cumulative.partition_point(|sum| *sum <= number);
        for index in index::sample(generator, self.features, size.min(self.features)) {
            present[index] = true;
        }
        present
    }
}
