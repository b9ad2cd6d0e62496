//! Passes of a proof: of a few images without a pattern, which repeat where there are many.

use tch::{TchError, Tensor};

use super::DISTINCT;
use crate::graph::{Come, Graph, Id, Sum, Trace, Use, plane, target};

/// Pixels of the images that are computed operation by operation at once: small ones together, as each pass reads all weights.
const TOGETHER: i64 = DISTINCT * 64 * 64;

/// Whether the few images of proofs are computed at once, if they are of `[height, width]` pixels.
pub(super) fn fit_together([height, width]: [i64; 2]) -> bool {
    DISTINCT * height * width <= TOGETHER
}

/// Results of `images` operation by operation on `graph`, in parts that take little more memory than an image does.
pub(super) fn alone(graph: &Graph, images: &Tensor, used: Use<'_>) -> Result<Found, TchError> {
    let [height, width] = plane(images)?;
    in_parts(graph, images, used, (TOGETHER / (height * width).max(1)).max(1))
}

/// Results of `images` on `graph`, each in a pass of its own.
pub(super) fn one_by_one(graph: &Graph, images: &Tensor, used: Use<'_>) -> Result<Found, TchError> {
    in_parts(graph, images, used, 1)
}

fn in_parts(graph: &Graph, images: &Tensor, used: Use<'_>, at_once: i64) -> Result<Found, TchError> {
    let n = images.size()[0];
    let part = |at: i64| found(graph, &images.f_narrow(0, at, at_once.min(n - at))?, used, None);
    let all = (0..n).step_by(at_once as usize).map(part).collect::<Result<Vec<_>, TchError>>()?;
    Found::joined(&all.iter().collect::<Vec<_>>())
}

/// Results of a pass of `images` over this very `graph`: logits, and what they are `used` for, from the gradient `seed` of the
/// logits; without a seed, from the largest logits.
pub(super) fn found(graph: &Graph, images: &Tensor, used: Use<'_>, seed: Option<&Tensor>) -> Result<Found, TchError> {
    let trace = graph.run(images, used.keep())?;
    let seed = match seed {
        Some(seed) => seed.shallow_clone(),
        None => graph.select(&trace.logits, &target::predicted(&trace.logits)?)?,
    };
    let Use::Backward(rule) = used else { return Ok(Found { logits: trace.logits, seed, map: None }) };
    let rows = images.size()[0];
    let baselines =
        || Trace::of_baselines(&super::images::grey(images)?, rows, |baselines| graph.run(baselines, used.keep()));
    let reference = rule.steps().filter(|steps| steps.compare()).map(|_| baselines()).transpose()?;
    let step = forgetting(graph, graph.back(&trace, reference.as_ref(), rule));
    let map = graph.leave(graph.walk(&graph.enter(&seed)?, 0, step)?)?;
    Ok(Found { logits: trace.logits, seed, map: Some(map) })
}

/// `step` after which a plain operation gives back the memory that it took for its weights: for all layers together that is as
/// much as the weights, and a sweep may have no room for as much. Lowered operations need theirs again.
fn forgetting<'a>(
    graph: &'a Graph,
    step: impl Fn(Id, &Come, &mut [Sum]) -> Result<(), TchError> + 'a,
) -> impl Fn(Id, &Come, &mut [Sum]) -> Result<(), TchError> + 'a {
    let is_plain = graph.lowered.is_some();
    move |id, come, sums| {
        step(id, come, sums)?;
        if is_plain {
            graph.nodes[id].operation.forget();
        }
        Ok(())
    }
}

/// Results of a pass.
#[derive(Debug)]
pub(super) struct Found {
    /// Logits `[n, classes]`.
    pub(super) logits: Tensor,
    /// Gradient of the logits, `[n, classes]`, in which `map` begins.
    pub(super) seed: Tensor,
    /// A gradient or multipliers, `[n, c, h, w]`.
    pub(super) map: Option<Tensor>,
}

impl Found {
    /// The results of the first `rows` images.
    pub(super) fn first(&self, rows: i64) -> Result<Self, TchError> {
        let of = |values: &Tensor| values.f_narrow(0, 0, rows);
        let map = self.map.as_ref().map(of).transpose()?;
        Ok(Self { logits: of(&self.logits)?, seed: of(&self.seed)?, map })
    }

    /// The results of `n` images, which are these, one after the other and then again.
    pub(super) fn repeated(&self, n: i64) -> Result<Self, TchError> {
        let map = self.map.as_ref().map(|map| super::repeated(map, n)).transpose()?;
        Ok(Self { logits: super::repeated(&self.logits, n)?, seed: super::repeated(&self.seed, n)?, map })
    }

    /// The results of the last `rows` images.
    pub(super) fn last(&self, rows: i64) -> Result<Self, TchError> {
        let of = |values: &Tensor| values.f_narrow(0, values.size()[0] - rows, rows);
        let map = self.map.as_ref().map(of).transpose()?;
        Ok(Self { logits: of(&self.logits)?, seed: of(&self.seed)?, map })
    }

    /// Number of images.
    pub(super) fn rows(&self) -> i64 {
        self.logits.size()[0]
    }

    /// The rows of `all`, one after the other.
    pub(super) fn joined(all: &[&Self]) -> Result<Self, TchError> {
        let rows = |of: fn(&Self) -> &Tensor| Tensor::f_cat(&all.iter().map(|found| of(found)).collect::<Vec<_>>(), 0);
        let maps: Option<Vec<&Tensor>> = all.iter().map(|found| found.map.as_ref()).collect();
        let map = maps.map(|maps| Tensor::f_cat(&maps, 0)).transpose()?;
        Ok(Self { logits: rows(|found| &found.logits)?, seed: rows(|found| &found.seed)?, map })
    }
}
