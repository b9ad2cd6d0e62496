//! Integrated gradients: the gradient averaged along the straight line from a baseline to the image.

use std::borrow::Cow;

use sweep::catalogue::Item;
use sweep::parameters::{Default, Kind, Parameter};
use tch::{TchError, Tensor};

use super::{Entry, Method};
use crate::Pass;
use crate::baseline::{BASELINES, Baseline};
use crate::quadrature::gauss_legendre;

pub(super) const ENTRY: Entry = Entry {
    item: Item {
        name: Cow::Borrowed("IntegratedGradients"),
        summary: Cow::Borrowed("(x - b) times the gradient averaged from baseline b to image x"),
        reference: Cow::Borrowed("Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365"),
        parameters: Cow::Borrowed(&[
            BASELINES,
            Parameter {
                name: Cow::Borrowed("n_steps"),
                summary: Cow::Borrowed("points of the Gauss-Legendre rule"),
                kind: Kind::Integer { least: 1, most: 10_000 },
                default: Some(Default::Integer(50)),
            },
        ]),
    },
    complete: false,
    build: |parameters| {
        let rule = gauss_legendre(parameters.integer("n_steps")? as usize);
        Ok(Box::new(IntegratedGradients { baseline: Baseline::from(parameters)?, rule }))
    },
};

/// `n_steps` forward and backward passes.
struct IntegratedGradients {
    baseline: Baseline,
    /// Where on the line, and how much it counts.
    rule: Vec<(f64, f64)>,
}

impl Method for IntegratedGradients {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Tensor, TchError> {
        let baseline = self.baseline.of(pass.images())?;
        let line = pass.images().f_sub(&baseline)?;
        let n = pass.images().size4()?.0;
        let mut integral = line.f_zeros_like()?;
        for steps in self.rule.chunks((pass.rows() / n).max(1) as usize) {
            let at = |(alpha, _): &(f64, f64)| line.f_mul_scalar(*alpha)?.f_add_(&baseline);
            let points = steps.iter().map(at).collect::<Result<Vec<_>, _>>()?;
            let targets = pass.targets().f_repeat([steps.len() as i64])?;
            let gradients = pass.gradient_at(&Tensor::f_cat(&points, 0)?, &targets)?;
            // One step after the other: how many fit into a pass must not show in the sum.
            for (gradient, (_, weight)) in gradients.f_chunk(steps.len() as i64, 0)?.iter().zip(steps) {
                integral = integral.f_add_(&gradient.f_mul_scalar(*weight)?)?;
            }
        }
        line.f_mul(&integral)
    }

    fn shares_pass(&self) -> bool {
        false
    }
}
