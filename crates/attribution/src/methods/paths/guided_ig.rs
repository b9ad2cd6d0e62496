//! Guided integrated gradients: a path on which the values with the smallest gradients move first.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind as Values, Parameter};
use tch::{Kind, TchError, Tensor};

use crate::baseline::{BASELINES, Baseline};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "GuidedIG",
        "gradient times change along a path from baseline to image on which, step by step, the values with the smallest gradients move first, \
         no farther than `max_dist` from the straight line. With `max_dist` 0 it is integrated gradients (`riemann_left`); else the sum of a \
         map may miss most of the change of the logit",
        "Kapishnikov et al. 2021, https://arxiv.org/abs/2106.09788",
    ],
    &[BASELINES, N_STEPS, FRACTION, MAX_DIST],
    |parameters, _| {
        Ok(Box::new(GuidedIg {
            baseline: Baseline::from(parameters)?,
            steps: parameters.integer("n_steps")?,
            fraction: parameters.number("fraction")?,
            max_dist: parameters.number("max_dist")?,
        }))
    },
)
.called(&["GuidedIg", "guided_ig"]);

const N_STEPS: Parameter = Parameter {
    name: Cow::Borrowed("n_steps"),
    summary: Cow::Borrowed("steps, one after the other: each gradient decides where the next is taken"),
    kind: Values::Integer { least: 1, most: 10_000 },
    default: Some(Default::Integer(200)),
};

const FRACTION: Parameter = Parameter {
    name: Cow::Borrowed("fraction"),
    summary: Cow::Borrowed("share of the values that move at once"),
    kind: Values::Number { least: 0.001, most: 1.0 },
    default: Some(Default::Number(0.25)),
};

const MAX_DIST: Parameter = Parameter {
    name: Cow::Borrowed("max_dist"),
    summary: Cow::Borrowed("farthest from the straight line, as a share of it: 0 is the line, 1 any way"),
    kind: Values::Number { least: 0.0, most: 1.0 },
    default: Some(Default::Number(0.02)),
};

/// Nearness of distances that are taken for equal, relative and absolute.
const NEAR: f64 = 1e-9;

/// Guided integrated gradients: `n_steps` forward and backward passes in sequence.
struct GuidedIg {
    baseline: Baseline,
    steps: i64,
    fraction: f64,
    max_dist: f64,
}

impl Method for GuidedIg {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let images = pass.images().f_to_kind(Kind::Double)?;
        let baseline = pass.baseline_image(self.baseline)?.f_to_kind(Kind::Double)?;
        let baseline = baseline.f_expand_as(&images)?.f_contiguous()?;
        let (x, mut map) = (baseline.f_mul_scalar(1.0)?, images.f_zeros_like()?);
        for step in 1..=self.steps {
            let points = x.f_to_kind(pass.images().f_kind()?)?;
            let gradient = pass.gradients_at(&points)?.swap_remove(0).f_to_kind(Kind::Double)?;
            for row in 0..pass.len() {
                let of = |all: &Tensor| all.f_select(0, row)?.f_flatten(0, -1);
                let ends = Ends::at(&of(&baseline)?, &of(&images)?, self.max_dist, step as f64 / self.steps as f64)?;
                let (moved, gained) = ends.moved(&of(&x)?, &of(&gradient)?, self.fraction)?;
                let shape = images.size()[1..].to_vec();
                x.f_select(0, row)?.f_copy_(&moved.f_view(shape.as_slice())?)?;
                let _ = map.f_select(0, row)?.f_add_(&gained.f_view(shape.as_slice())?)?;
            }
        }
        map = map.f_to_kind(pass.images().f_kind()?)?;
        Ok(map.into())
    }
}

/// Bounds of the values `[d]` of an image after a step.
struct Ends {
    baseline: Tensor,
    image: Tensor,
    /// Share of the line that every value has gone at least, and its point there.
    least: (f64, Tensor),
    /// Share of the line that no value has gone beyond, and its point there.
    most: (f64, Tensor),
    /// Sum of distances to the image after the step.
    left: f64,
}

impl Ends {
    fn at(baseline: &Tensor, image: &Tensor, max_dist: f64, share: f64) -> Result<Self, TchError> {
        let line = image.f_sub(baseline)?;
        let point = |share: f64| Ok::<_, TchError>((share, line.f_mul_scalar(share)?.f_add_(baseline)?));
        Ok(Self {
            least: point((share - max_dist).max(0.0))?,
            most: point((share + max_dist).min(1.0))?,
            left: sum_of(&line.f_abs()?)? * (1.0 - share),
            baseline: baseline.shallow_clone(),
            image: image.shallow_clone(),
        })
    }

    /// Values `x` moved until so little is left, those with the smallest `gradient` first, and the gradient times each one's move.
    fn moved(&self, x: &Tensor, gradient: &Tensor, fraction: f64) -> Result<(Tensor, Tensor), TchError> {
        let start = x.shallow_clone();
        let mut x = x.shallow_clone();
        let mut sizes = gradient.f_abs()?;
        let kth = ((x.numel() - 1) as f64 * fraction).floor() as i64 + 1;
        loop {
            let share = x.f_sub(&self.baseline)?.f_div(&self.image.f_sub(&self.baseline)?)?;
            // Where baseline and image are equal there is no way to go.
            let behind = share.f_lt(self.least.0)?;
            x = self.least.1.f_where_self(&behind, &x)?;
            let left = sum_of(&x.f_sub(&self.image)?.f_abs()?)?;
            if (left - self.left).abs() <= NEAR + NEAR * left {
                break;
            }
            let there = x.f_eq_tensor(&self.most.1)?;
            sizes = sizes.f_masked_fill(&there, f64::INFINITY)?;
            let (threshold, _) = sizes.f_kthvalue(kth, 0, false)?;
            let chosen = sizes.f_le_tensor(&threshold)?.f_logical_and(&sizes.f_isfinite()?)?;
            let way = self.most.1.f_sub(&x)?.f_mul(&chosen.f_to_kind(Kind::Double)?)?;
            let length = sum_of(&way.f_abs()?)?;
            if length == 0.0 {
                break;
            }
            let go = (left - self.left) / length;
            x = if go > 1.0 { self.most.1.f_where_self(&chosen, &x)? } else { x.f_add(&way.f_mul_scalar(go)?)? };
            if go <= 1.0 {
                break;
            }
        }
        let gained = x.f_sub(&start)?.f_mul(gradient)?;
        Ok((x, gained))
    }
}

fn sum_of(values: &Tensor) -> Result<f64, TchError> {
    values.f_sum(Kind::Double)?.f_double_value(&[])
}
