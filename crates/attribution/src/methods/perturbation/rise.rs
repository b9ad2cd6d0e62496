//! RISE: the mean of random masks, each weighted by what the model says of the image under the mask.

use std::borrow::Cow;

use network::sent;
use rand::RngExt;
use sweep::parameters::{Default, Kind, Parameter};
use tch::{TchError, Tensor};

use crate::baseline::{BASELINES, Baseline};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "RISE",
        "mean over random masks of the mask times the score of the image under the mask, over the share of pixels that a mask shows. Masks are \
         the same for all images. The authors' code enlarges grids as scikit-image does (`reflect`): near the border masks differ",
        "Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421",
    ],
    &[BASELINES, N_SAMPLES, GRID, SHOWN, SCORE],
    |parameters, _| {
        Ok(Box::new(Rise {
            baseline: Baseline::from(parameters)?,
            samples: parameters.integer("n_samples")?,
            masks: Masks { grid: parameters.integer("grid")?, shown: parameters.number("p")? },
            probability: parameters.word("score")? == "probability",
        }))
    },
)
.with_prefix("n_samples")
.called(&["rise", "Rise"]);

const N_SAMPLES: Parameter = Parameter {
    name: Cow::Borrowed("n_samples"),
    summary: Cow::Borrowed("masks; the first n of more are those of n. The paper has 4000 for VGG and 8000 for ResNet"),
    kind: Kind::Integer { least: 1, most: 1_000_000 },
    default: Some(Default::Integer(4000)),
};

const GRID: Parameter = Parameter {
    name: Cow::Borrowed("grid"),
    summary: Cow::Borrowed("cells of a mask in each direction, before it is enlarged and moved by up to a cell"),
    kind: Kind::Integer { least: 1, most: 1024 },
    default: Some(Default::Integer(7)),
};

const SHOWN: Parameter = Parameter {
    name: Cow::Borrowed("p"),
    summary: Cow::Borrowed("chance that a cell shows the image; others show the baseline"),
    kind: Kind::Number { least: 0.001, most: 1.0 },
    default: Some(Default::Number(0.5)),
};

const SCORE: Parameter = Parameter {
    name: Cow::Borrowed("score"),
    summary: Cow::Borrowed("what the model says: the `probability` of the target, as in the paper, or its `logit`"),
    kind: Kind::Word(Cow::Borrowed(&[Cow::Borrowed("probability"), Cow::Borrowed("logit")])),
    default: Some(Default::Word(Cow::Borrowed("probability"))),
};

/// RISE: `n_samples` forward passes, of as many masks at once as the device takes.
struct Rise {
    baseline: Baseline,
    samples: i64,
    masks: Masks,
    probability: bool,
}

impl Method for Rise {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let mut all = self.on_the_way(pass, &[self.samples])?;
        all.pop().ok_or_else(|| TchError::Shape("no samples".to_owned()))
    }

    fn on_the_way(&self, pass: &Pass<'_>, values: &[i64]) -> Result<Vec<Attribution>, TchError> {
        let baseline = pass.baseline_image(self.baseline)?;
        let change = pass.images().f_sub(&baseline)?;
        let mut sum = pass.images().f_narrow(1, 0, 1)?.f_zeros_like()?;
        let (mut done, mut all) = (0, Vec::with_capacity(values.len()));
        for &until in values {
            let samples: Vec<i64> = (done..until).collect();
            for part in pass.parts(&samples) {
                let masks = part.iter().map(|sample| self.masks.of(pass, *sample as u64));
                let masks = masks.collect::<Result<Vec<_>, _>>()?;
                let points = masks.iter().map(|mask| change.f_mul(mask)?.f_add_(&baseline));
                let points = Tensor::f_cat(&points.collect::<Result<Vec<_>, _>>()?, 0)?;
                let scores = if self.probability { pass.probabilities_at(&points)? } else { pass.scores_at(&points)? };
                // One mask after the other: how many fit into a pass must not show in the sum.
                for (at, mask) in (0..).zip(&masks) {
                    let score = scores.f_select(0, at)?.f_view([-1, 1, 1, 1])?.f_to_kind(sum.f_kind()?)?;
                    sum = sum.f_add_(&mask.f_mul(&score)?)?;
                }
            }
            done = until;
            let map = sum.f_div_scalar(until as f64 * self.masks.shown)?;
            all.push(map.f_expand_as(pass.images())?.into());
        }
        Ok(all)
    }
}

/// Random masks of the images.
struct Masks {
    grid: i64,
    shown: f64,
}

impl Masks {
    /// Mask number `sample`, `[1, 1, h, w]`: a grid of zeros and ones, one cell larger than the image in each direction, enlarged and cut
    /// at a random pixel of its first cell.
    fn of(&self, pass: &Pass<'_>, sample: u64) -> Result<Tensor, TchError> {
        let (_, _, height, width) = pass.images().size4()?;
        let mut generator = pass.origin().for_all("RISE", sample).generator();
        let cells = (0..self.grid * self.grid).map(|_| f64::from(u8::from(generator.random::<f64>() < self.shown)));
        let cells = Tensor::f_from_slice(&cells.collect::<Vec<_>>())?.f_view([1, 1, self.grid, self.grid])?;
        let [cell_height, cell_width] = [height, width].map(|side| (side + self.grid - 1) / self.grid);
        let [top, left] = [cell_height, cell_width].map(|cell| generator.random_range(0..cell));
        let size = [(self.grid + 1) * cell_height, (self.grid + 1) * cell_width];
        let large = cells.f_upsample_bilinear2d(size, false, None, None)?;
        let mask = large.f_narrow(2, top, height)?.f_narrow(3, left, width)?.f_contiguous()?;
        sent(&mask.f_to_kind(pass.images().f_kind()?)?, pass.images().device())
    }
}

#[cfg(test)]
mod tests {
    use network::{Weights, models};
    use tch::{Device, Kind};

    use super::*;
    use crate::Origin;

    /// A cell is there by chance 0.3, and no pixel is shown more often than another.
    #[test]
    fn over_many_masks_every_pixel_is_shown_equally_often() {
        let graph = models::load("lenet", &Weights::random(3, 5), (Device::Cpu, Kind::Float)).unwrap();
        let images = Tensor::zeros([1, 3, 28, 28], (Kind::Float, Device::Cpu));
        let origin = Origin { seed: 3, dataset: ("d", "test"), first: 0, chosen: None, mean: None, known: None };
        let pass = Pass::new(&graph, images, Tensor::from_slice(&[0_i64]), 1, origin);
        let masks = Masks { grid: 5, shown: 0.3 };
        let mut sum = Tensor::zeros([1, 1, 28, 28], (Kind::Float, Device::Cpu));
        for sample in 0..6000 {
            let mask = masks.of(&pass, sample).unwrap();
            sum += &mask;
        }
        let mean = sum / 6000.0;
        // The deviation of a mean of 6000 is 0.006 at most: 5 of these.
        let off = (mean - 0.3).abs().max().double_value(&[]);
        assert!(off < 0.03, "{off}");
        assert_ne!(masks.of(&pass, 0).unwrap(), masks.of(&pass, 1).unwrap());
    }
}
