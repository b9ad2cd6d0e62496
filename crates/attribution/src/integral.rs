//! Sums of gradients at points between baselines and images.
//!
//! What stands first in a network and is linear, as a ResNet's first convolution, is gone through once for all points on lines
//! from one baseline: of the gradients before it any sum may be taken.

use network::sent;
use tch::{TchError, Tensor};

use crate::Pass;

/// A weighted sum of gradients.
pub(crate) struct Integral<'a> {
    pass: &'a Pass<'a>,
    /// Sum of gradients before the stem of the graph, `[n, ..]`.
    sum: Option<Tensor>,
}

impl<'a> Integral<'a> {
    /// An integral without any points yet.
    pub(crate) fn of(pass: &'a Pass<'a>) -> Self {
        Self { pass, sum: None }
    }

    /// Adds the gradients at variations of every image `[m n, c, h, w]`, each variation with its weight.
    pub(crate) fn add(&mut self, points: &Tensor, weights: impl Iterator<Item = f64>) -> Result<(), TchError> {
        // One variation after the other: how many fit into a pass must not show in the sum.
        for (gradient, weight) in self.pass.gradients_before_stem(points)?.iter().zip(weights) {
            let gradient = gradient.f_mul_scalar(weight)?;
            self.sum = Some(match self.sum.take() {
                Some(mut sum) => sum.f_add_(&gradient)?,
                None => gradient,
            });
        }
        Ok(())
    }

    /// The sum as a gradient of the images `[n, c, h, w]`.
    pub(crate) fn gradient(self) -> Result<Tensor, TchError> {
        match self.sum {
            Some(sum) => self.pass.through_stem(&sum),
            None => self.pass.images().f_zeros_like(),
        }
    }
}

/// Sums of gradients on lines from several baselines, of which each image has its own at each variation.
pub(crate) struct Lines<'a> {
    pass: &'a Pass<'a>,
    baselines: &'a [Tensor],
    /// Sums of gradients before the stem, `[k n, ..]` for k baselines.
    sums: Option<Tensor>,
}

impl<'a> Lines<'a> {
    /// Integrals without any points yet, along the lines from `baselines`, each `[1, c, h, w]` or `[n, c, h, w]`.
    pub(crate) fn of(pass: &'a Pass<'a>, baselines: &'a [Tensor]) -> Self {
        Self { pass, baselines, sums: None }
    }

    /// Adds the gradients at variations of every image `[m n, c, h, w]`; `chosen` says for each of them on which line every
    /// image is.
    pub(crate) fn add<'s>(
        &mut self,
        points: &Tensor,
        chosen: impl Iterator<Item = &'s [usize]>,
    ) -> Result<(), TchError> {
        let (n, count) = (self.pass.len(), self.baselines.len() as i64);
        for (gradient, chosen) in self.pass.gradients_before_stem(points)?.iter().zip(chosen) {
            let none = || {
                let shape = [&[count * n], &gradient.size()[1..]].concat();
                Tensor::f_zeros(shape, (gradient.f_kind()?, gradient.device()))
            };
            let mut sums = self.sums.take().map_or_else(none, Ok)?;
            let rows: Vec<i64> = (0..n).zip(chosen).map(|(row, &line)| line as i64 * n + row).collect();
            let rows = sent(&Tensor::f_from_slice(&rows)?, gradient.device())?;
            self.sums = Some(sums.f_index_add_(0, &rows, gradient)?);
        }
        Ok(())
    }

    /// The sum over all points so far of the image less its baseline, times the gradient: `[n, c, h, w]`.
    pub(crate) fn products(&self) -> Result<Tensor, TchError> {
        let (images, n) = (self.pass.images(), self.pass.len());
        let mut sum = images.f_zeros_like()?;
        let Some(sums) = &self.sums else { return Ok(sum) };
        let gradients = self.pass.through_stem(sums)?;
        for (line, baseline) in (0..).zip(self.baselines) {
            let gradient = gradients.f_narrow(0, line * n, n)?;
            sum = sum.f_add_(&images.f_sub(baseline)?.f_mul(&gradient)?)?;
        }
        Ok(sum)
    }
}
