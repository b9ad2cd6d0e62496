//! Variations of the images of a batch: how many are computed at once, their scores and their gradients.

use network::{Gradient, Trace, target};
use tch::{TchError, Tensor};

use super::Pass;

/// Changes of one image that are computed at once, whatever the batch, if they fit.
const LEAST_CHANGES: usize = 128;
/// Bytes of a value for the changes that are computed at once, and how many more for each image that fits: 5 MB for eight
/// images, 10 for a hundred. More take memory, and little less time (docs/benchmarks.md).
const ROOM: usize = 4608 << 10;
const ROOM_OF_ROW: usize = 56 << 10;

impl Pass<'_> {
    /// All variations of every image in as few parts as may be computed at once, or a few more if these are of one size: for
    /// each size oneDNN compiles kernels. The last variations alone would take longer than their share.
    pub(crate) fn parts<'t, T>(&self, all: &'t [T]) -> impl Iterator<Item = &'t [T]> + use<'t, T> {
        let most = (self.rows() / self.len().max(1)).max(1) as usize;
        let least = all.len().div_ceil(most);
        let count = (least..=least + least / 4).find(|&count| all.len().is_multiple_of(count)).unwrap_or(least);
        (0..count).map(move |part| &all[part * all.len() / count..(part + 1) * all.len() / count])
    }

    /// Number of changes of a part of one image that may be computed at once: a part takes a fraction of the memory
    /// of an image, and the more there are, the longer every weight that is read is used.
    pub(crate) fn changes(&self) -> usize {
        (8 * self.rows() as usize).max(LEAST_CHANGES)
    }

    /// Bytes that one value of all changes computed at once may take.
    pub(crate) fn room(&self) -> usize {
        ROOM + ROOM_OF_ROW * self.rows() as usize
    }

    /// The plain gradients of the targets at variations of every image `[m n, c, h, w]`: `[n, c, h, w]` for each variation.
    pub(crate) fn gradients_at(&self, points: &Tensor) -> Result<Vec<Tensor>, TchError> {
        self.varied(points, |trace, seed| self.graph.backward(trace, seed, &Gradient))
    }

    /// The plain gradients of the targets at variations of every image `[m n, c, h, w]`, each `[n, c, h, w]`, and the target logits
    /// there `[m, n]`.
    pub(crate) fn slopes_at(&self, points: &Tensor) -> Result<(Vec<Tensor>, Tensor), TchError> {
        let mut scores = None;
        let gradients = self.varied(points, |trace, seed| {
            scores = Some(self.selected_of_each(trace.logits())?);
            self.graph.backward(trace, seed, &Gradient)
        })?;
        let none = || TchError::Shape("a pass without logits".to_owned());
        Ok((gradients, scores.ok_or_else(none)?))
    }

    /// The plain gradients at variations of every image, before the linear operation that stands first: `[n, ..]` for each variation.
    pub(crate) fn gradients_before_stem(&self, points: &Tensor) -> Result<Vec<Tensor>, TchError> {
        self.varied(points, |trace, seed| self.graph.backward_to_stem(trace, seed, &Gradient))
    }

    /// The result of `back` on the pass of variations of every image, for each variation.
    fn varied(
        &self,
        points: &Tensor,
        back: impl FnOnce(&Trace, &Tensor) -> Result<Tensor, TchError>,
    ) -> Result<Vec<Tensor>, TchError> {
        let count = points.size()[0] / self.len().max(1);
        let trace = self.graph.trace(points)?;
        let seed = self.graph.select(trace.logits(), &self.targets.f_repeat([count])?)?;
        back(&trace, &seed)?.f_chunk(count, 0)
    }

    /// The gradients of the images `[m, c, h, w]` from sums `[m, ..]` of such.
    pub(crate) fn through_stem(&self, sums: &Tensor) -> Result<Tensor, TchError> {
        let (_, _, height, width) = self.images.size4()?;
        self.graph.through_stem(sums, [height, width])
    }

    /// The target logit of every image at other `points`: a whole number of variations of every image,
    /// `[m n, c, h, w]` to `[m, n]`.
    pub(crate) fn scores_at(&self, points: &Tensor) -> Result<Tensor, TchError> {
        self.selected_of_each(&self.graph.forward(points)?)
    }

    /// Probabilities of the targets at `points`, shapes as in [`Pass::scores_at`]: softmax over the logits, or the sigmoid of a
    /// single logit.
    pub(crate) fn probabilities_at(&self, points: &Tensor) -> Result<Tensor, TchError> {
        let logits = self.graph.forward(points)?;
        if logits.size2()?.1 == 1 {
            return self.selected_of_each(&logits)?.f_sigmoid();
        }
        self.selected_of_each(&logits.f_softmax(1, None)?)
    }

    /// The target logits among `logits` `[m n, classes]` of a whole number of variations of every image: `[m, n]`.
    pub(crate) fn selected_of_each(&self, logits: &Tensor) -> Result<Tensor, TchError> {
        let (n, (rows, classes)) = (self.len(), logits.size2()?);
        target::scores(&logits.f_view([rows / n, n, classes])?, &self.targets)
    }
}
