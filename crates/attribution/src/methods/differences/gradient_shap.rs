//! Gradient SHAP: expected gradients at random points between image and random baselines.

use std::borrow::Cow;

use network::sent;
use rand::RngExt;
use sweep::parameters::{Default, Kind, Parameter};
use tch::{TchError, Tensor};

use crate::baseline::{Baseline, DISTRIBUTION, NOISE_DRAWS, distribution};
use crate::integral::Lines;
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::of_complete(
    [
        "GradientShap",
        "mean over samples of (x + e - b) times the gradient at a random point from baseline b to x + e",
        "Erion et al. 2019 (expected gradients), https://arxiv.org/abs/1906.10670; Captum's GradientShap",
    ],
    &[DISTRIBUTION, NOISE_DRAWS, N_SAMPLES, STDEVS],
    |parameters, _| {
        Ok(Box::new(GradientShap {
            baselines: distribution(parameters)?,
            samples: parameters.integer("n_samples")? as u64,
            stdev: parameters.number("stdevs")?,
        }))
    },
)
.with_prefix("n_samples");

const N_SAMPLES: Parameter = Parameter {
    name: Cow::Borrowed("n_samples"),
    summary: Cow::Borrowed("random points; the first n of more are those of n"),
    kind: Kind::Integer { least: 1, most: 100_000 },
    default: Some(Default::Integer(5)),
};

const STDEVS: Parameter = Parameter {
    name: Cow::Borrowed("stdevs"),
    summary: Cow::Borrowed("standard deviation of the normal noise e that is added to the image"),
    kind: Kind::Number { least: 0.0, most: 10.0 },
    default: Some(Default::Number(0.0)),
};

/// Baselines for each of which a sum of gradients is held: as large as the first value of the network, for every image.
const MOST_LINES: usize = 8;

/// Gradient SHAP: `n_samples` forward and backward passes.
struct GradientShap {
    baselines: Vec<(Baseline, f64)>,
    samples: u64,
    stdev: f64,
}

/// A sample: a point for every image, the share of the way from image to baseline, and the baseline.
struct Sample {
    points: Tensor,
    line: Tensor,
    /// Target logits at the end of the line.
    scores: Tensor,
    chosen: Vec<usize>,
}

impl Method for GradientShap {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let mut all = self.on_the_way(pass, &[self.samples as i64])?;
        all.pop().ok_or_else(|| TchError::Shape("no samples".to_owned()))
    }

    fn on_the_way(&self, pass: &Pass<'_>, values: &[i64]) -> Result<Vec<Attribution>, TchError> {
        let baselines = self.baselines.iter().map(|(baseline, _)| {
            let (image, scores) = pass.baseline(*baseline)?;
            Ok((image, scores.f_view([1, -1])?))
        });
        let (images, scores): (Vec<_>, Vec<_>) = baselines.collect::<Result<Vec<_>, TchError>>()?.into_iter().unzip();
        let mut sum = if self.stdev > 0.0 || images.len() > MOST_LINES {
            Products::Each(pass.images().f_zeros_like()?)
        } else {
            Products::Lines(Lines::of(pass, &images))
        };
        let mut change = pass.scores()?.f_zeros_like()?;
        let (mut done, mut all) = (0, Vec::with_capacity(values.len()));
        for &until in values {
            let samples: Vec<u64> = (done..until as u64).collect();
            for part in pass.parts(&samples) {
                let samples = part.iter().map(|sample| self.sample(pass, &images, *sample));
                let samples = samples.collect::<Result<Vec<_>, _>>()?;
                sum.add(pass, &samples)?;
                for sample in &samples {
                    let from = chosen(&scores, &sample.chosen)?.f_view([-1])?;
                    change = change.f_add_(&sample.scores.f_sub(&from)?)?;
                }
            }
            done = until as u64;
            let count = until as f64;
            all.push(Attribution::complete(sum.so_far()?.f_div_scalar(count)?, change.f_div_scalar(count)?));
        }
        Ok(all)
    }
}

impl GradientShap {
    /// A function of image and sample alone: how many samples there are in all does not show.
    fn sample(&self, pass: &Pass<'_>, baselines: &[Tensor], sample: u64) -> Result<Sample, TchError> {
        let (mut images, mut scores) = (pass.images().shallow_clone(), pass.scores()?.shallow_clone());
        if self.stdev > 0.0 {
            let noise = pass.origin().normal(&images, "GradientShap.stdevs", sample)?;
            images = images.f_add(&noise.f_mul_scalar(self.stdev)?)?;
            scores = pass.scores_at(&images)?.f_view([-1])?;
        }
        let (mut chosen_ones, mut alphas) = (Vec::new(), Vec::new());
        for row in 0..pass.len() {
            let mut generator = pass.origin().draw(row, "GradientShap", sample).generator();
            chosen_ones.push(self.choose(generator.random()));
            alphas.push(generator.random::<f64>());
        }
        let baseline = chosen(baselines, &chosen_ones)?;
        let alpha = Tensor::f_from_slice(&alphas)?.f_view([-1, 1, 1, 1])?;
        let alpha = sent(&alpha.f_to_kind(images.f_kind()?)?, images.device())?;
        let line = images.f_sub(&baseline)?;
        let points = line.f_mul(&alpha)?.f_add_(&baseline)?;
        Ok(Sample { points, line, scores, chosen: chosen_ones })
    }

    /// Baseline that a number from 0 to 1 stands for.
    fn choose(&self, number: f64) -> usize {
        let mut sum = 0.0;
        let beyond = |(_, share): &(Baseline, f64)| {
            sum += share;
            number < sum
        };
        self.baselines.iter().position(beyond).unwrap_or(self.baselines.len() - 1)
    }
}

/// Sums over samples of the line to the baseline times the gradient.
enum Products<'a> {
    /// Lines from a few baselines: noise moves none of their ends.
    Lines(Lines<'a>),
    /// Each sample has a line of its own.
    Each(Tensor),
}

impl Products<'_> {
    fn add(&mut self, pass: &Pass<'_>, samples: &[Sample]) -> Result<(), TchError> {
        let points: Vec<&Tensor> = samples.iter().map(|sample| &sample.points).collect();
        let points = Tensor::f_cat(&points, 0)?;
        match self {
            Self::Lines(lines) => lines.add(&points, samples.iter().map(|sample| &sample.chosen[..])),
            Self::Each(sum) => {
                for (gradient, sample) in pass.gradients_at(&points)?.iter().zip(samples) {
                    let _ = sum.f_add_(&gradient.f_mul(&sample.line)?)?;
                }
                Ok(())
            }
        }
    }

    /// Sums `[n, c, h, w]`.
    fn so_far(&self) -> Result<Tensor, TchError> {
        match self {
            Self::Lines(lines) => lines.products(),
            Self::Each(sum) => Ok(sum.shallow_clone()),
        }
    }
}

/// Row by row the value `chosen` of `values`, each of which has one row for all or a row for each
/// image in its first dimension that is not 1.
fn chosen(values: &[Tensor], chosen: &[usize]) -> Result<Tensor, TchError> {
    let dim = i64::from(values.first().is_some_and(|value| value.dim() == 2));
    let row = |(row, &which): (usize, &usize)| {
        let value = &values[which];
        let row = if value.size()[dim as usize] == 1 { 0 } else { row as i64 };
        value.f_narrow(dim, row, 1)
    };
    Tensor::f_cat(&chosen.iter().enumerate().map(row).collect::<Result<Vec<_>, _>>()?, dim)
}
