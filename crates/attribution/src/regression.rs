//! Linear models of a network around one image: which features are there, and what the logit is.

use network::sent;
use tch::{Device, Kind, TchError, Tensor};

use crate::Pass;
use crate::baseline::Baseline;
use crate::windows::{Window, paint, windows};

/// Features of an image: patches of a grid.
pub(crate) struct Features {
    patches: Vec<Window>,
    baseline: Tensor,
}

/// Coalitions of features of every image, and the target logit of each.
pub(crate) struct Samples {
    /// 1 where a feature is there: `[n, samples, features]`, double, in the host's memory.
    pub(crate) present: Tensor,
    /// Scores `[n, samples]`, double, in the host's memory.
    pub(crate) scores: Tensor,
    /// Cosine similarity of the image and the perturbed image, `[n, samples]`.
    pub(crate) similarity: Tensor,
}

impl Features {
    /// Patches of `patch` pixels; a feature that is not there shows the baseline.
    pub(crate) fn of(pass: &Pass<'_>, patch: i64, baseline: Baseline) -> Result<Self, TchError> {
        let (_, c, h, w) = pass.images().size4()?;
        Ok(Self {
            patches: windows([c, h, w], [c, patch, patch], [c, patch, patch]),
            baseline: pass.baseline_image(baseline)?,
        })
    }

    /// Number of the features.
    pub(crate) fn len(&self) -> usize {
        self.patches.len()
    }

    /// The logits where `coalition(row, sample)` says which features are there.
    pub(crate) fn sample(
        &self,
        pass: &Pass<'_>,
        samples: u64,
        coalition: impl Fn(i64, u64) -> Vec<bool>,
    ) -> Result<Samples, TchError> {
        let n = pass.len();
        let flat = pass.images().f_view([1, n, -1])?;
        let (mut present, mut scores, mut similarity) = (Vec::new(), Vec::new(), Vec::new());
        let all: Vec<u64> = (0..samples).collect();
        for part in pass.parts(&all) {
            let count = part.len() as i64;
            let kept = part.iter().flat_map(|sample| (0..n).map(|row| coalition(row, *sample)));
            let kept = kept.flatten().map(|there| f64::from(u8::from(there))).collect::<Vec<_>>();
            let kept = Tensor::f_from_slice(&kept)?.f_view([count, n, self.len() as i64])?;
            let images = self.perturbed(pass, &kept)?;
            scores.push(pass.scores_at(&images)?);
            similarity.push(Tensor::f_cosine_similarity(&images.f_view([count, n, -1])?, &flat, 2, 1e-8)?);
            present.push(kept);
        }
        Ok(Samples {
            present: Tensor::f_cat(&present, 0)?.f_transpose(0, 1)?,
            scores: by_image(&Tensor::f_cat(&scores, 0)?)?,
            similarity: by_image(&Tensor::f_cat(&similarity, 0)?)?,
        })
    }

    /// The images with the baseline where a feature is not `kept` `[m, n, features]`: `[m n, c, h, w]`.
    pub(crate) fn perturbed(&self, pass: &Pass<'_>, kept: &Tensor) -> Result<Tensor, TchError> {
        let (count, n, _) = kept.size3()?;
        let images = pass.images();
        let (_, _, h, w) = images.size4()?;
        let kept = kept.f_view([count * n, -1])?.f_to_kind(images.f_kind()?)?;
        let kept = sent(&kept, images.device())?;
        let mask = Tensor::f_zeros([count * n, 1, h, w], (images.f_kind()?, images.device()))?;
        for (index, Window([_, rows, columns])) in (0..).zip(&self.patches) {
            paint(&mask, Window([[0, 1], *rows, *columns]), &kept.f_select(1, index)?)?;
        }
        let whole = images.f_repeat([count, 1, 1, 1])?;
        let hidden = self.baseline.f_expand([n, -1, -1, -1], false)?.f_repeat([count, 1, 1, 1])?;
        whole.f_where_self(&mask.f_gt(0.5)?, &hidden)
    }

    /// Every patch in the value of its feature: `[n, features]` to `[n, c, h, w]`.
    pub(crate) fn painted(&self, pass: &Pass<'_>, values: &Tensor) -> Result<Tensor, TchError> {
        let map = pass.images().f_zeros_like()?;
        let values = sent(&values.f_to_kind(map.f_kind()?)?, map.device())?;
        for (index, patch) in (0..).zip(&self.patches) {
            paint(&map, *patch, &values.f_select(1, index)?)?;
        }
        Ok(map)
    }
}

/// `[samples, n]` on the device to `[n, samples]` in double precision in the host's memory.
fn by_image(values: &Tensor) -> Result<Tensor, TchError> {
    values.f_transpose(0, 1)?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)
}

/// `rows` `[n, samples, features]` and `values` `[n, samples]` less their means by `weights`
/// `[n, samples]`: what a model with an intercept is fitted to.
pub(crate) fn centred(rows: &Tensor, values: &Tensor, weights: &Tensor) -> Result<(Tensor, Tensor), TchError> {
    let share = weights.f_div(&weights.f_sum_dim_intlist([1_i64].as_slice(), true, Kind::Double)?)?;
    let mean_row = share.f_unsqueeze(1)?.f_matmul(rows)?;
    let mean_value = share.f_mul(values)?.f_sum_dim_intlist([1_i64].as_slice(), true, Kind::Double)?;
    Ok((rows.f_sub(&mean_row)?, values.f_sub(&mean_value)?))
}
