//! Baselines of a batch: their images, their passes, and what lies between these and the images.

use std::rc::Rc;

use network::{Trace, once};
use tch::{TchError, Tensor};

use super::Pass;
use crate::baseline::{Baseline, Reference, blurred};

/// Standard deviation of a blurred baseline as a share of the height of an image: 20 of 224 pixels.
const BLUR: f64 = 20.0 / 224.0;

impl Pass<'_> {
    /// `DeepLIFT`'s multipliers `[n, c, h, w]` against `reference`, a trace of [`Pass::reference`].
    pub(crate) fn multipliers(
        &self,
        reference: &Trace,
        semantics: sweep::semantics::Semantics,
    ) -> Result<Tensor, TchError> {
        let here = once(&self.values, || self.graph.trace_values(&self.images))?;
        let seed = self.graph.select(here.logits(), &self.targets)?;
        self.graph.multipliers(here, reference, &seed, semantics)
    }

    /// The image of `baseline` and its pass, as [`Pass::multipliers`] takes it.
    pub(crate) fn reference(&self, baseline: Baseline) -> Result<Rc<Reference>, TchError> {
        let make = || {
            let image = self.baseline_image(baseline)?;
            let trace = self.graph.trace_reference(&image, self.len())?;
            Ok(Reference::new(baseline, image, trace, self.len()))
        };
        let now = (self.len(), self.graph.is_lowered());
        match self.origin.known.filter(|_| baseline.is_shared()) {
            Some(known) => known.reference(baseline, now, make),
            None => Ok(Rc::new(make()?)),
        }
    }

    /// The image of `baseline`: `[1, c, h, w]`, one for all, or `[n, c, h, w]`.
    pub(crate) fn baseline_image(&self, baseline: Baseline) -> Result<Tensor, TchError> {
        match baseline {
            Baseline::Constant(value) => self.images.f_narrow(0, 0, 1)?.f_full_like(value),
            Baseline::Mean => Ok(self.origin.mean()?.shallow_clone()),
            Baseline::Noise(draw) => self.origin.noise_baseline(&self.images, draw),
            Baseline::Uniform(draw) => self.origin.uniform(&self.images, "uniform baseline", draw),
            Baseline::MaxDistance => {
                let above = self.images.f_gt(0.0)?.f_to_kind(self.images.f_kind()?)?;
                above.f_mul_scalar(-2.0)?.f_add_scalar(1.0)
            }
            Baseline::Blur(sigma) => {
                let height = self.images.size4()?.2;
                blurred(&self.images, sigma.unwrap_or(BLUR * height as f64))
            }
        }
    }

    /// The image of `baseline`, `[1, c, h, w]` or `[n, c, h, w]`, and the target logit of every image there `[n]`.
    pub(crate) fn baseline(&self, baseline: Baseline) -> Result<(Tensor, Tensor), TchError> {
        let make = || {
            let image = self.baseline_image(baseline)?;
            let logits = self.graph.forward(&image)?;
            Ok((image, logits))
        };
        let known = self.origin.known.filter(|_| baseline.is_shared());
        let (image, logits) = known.map_or_else(make, |known| known.of(baseline, make))?;
        Ok((image, self.selected(&logits)?))
    }
}
