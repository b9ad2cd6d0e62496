//! Passes of a proof: of a few images without a pattern, which repeat where there are many.

use tch::{Device, Kind, TchError, Tensor};

use super::DISTINCT;
use crate::graph::{Come, Graph, Id, Sum, Trace, Use, plane, target};

/// Pixels of the images that are computed operation by operation at once: small ones together, as each pass reads all weights.
const TOGETHER: i64 = DISTINCT * 64 * 64;

/// Value of the pixels of baselines and of what hides windows.
pub(super) const GREY: f64 = 0.25;

/// Whether the few images of proofs are computed at once, if they are of `[height, width]` pixels.
pub(super) fn fit_together([height, width]: [i64; 2]) -> bool {
    DISTINCT * height * width <= TOGETHER
}

/// What `images` give operation by operation on `graph`, in parts that take little more memory than one image does.
pub(super) fn alone(graph: &Graph, images: &Tensor, used: Use<'_>) -> Result<Found, TchError> {
    let [height, width] = plane(images)?;
    in_parts(graph, images, used, (TOGETHER / (height * width).max(1)).max(1))
}

/// What each of `images` gives in a pass of its own over `graph`.
pub(super) fn one_by_one(graph: &Graph, images: &Tensor, used: Use<'_>) -> Result<Found, TchError> {
    in_parts(graph, images, used, 1)
}

fn in_parts(graph: &Graph, images: &Tensor, used: Use<'_>, at_once: i64) -> Result<Found, TchError> {
    let n = images.size()[0];
    let part = |at: i64| found(graph, &images.f_narrow(0, at, at_once.min(n - at))?, used, None);
    let all = (0..n).step_by(at_once as usize).map(part).collect::<Result<Vec<_>, TchError>>()?;
    Found::joined(&all.iter().collect::<Vec<_>>())
}

/// What a pass of `images` over this very `graph` gives: logits, and what they are `used` for, from the gradient `seed` of the
/// logits; without one, from the largest of them.
pub(super) fn found(graph: &Graph, images: &Tensor, used: Use<'_>, seed: Option<&Tensor>) -> Result<Found, TchError> {
    let trace = graph.run(images, used.keep())?;
    let seed = match seed {
        Some(seed) => seed.shallow_clone(),
        None => graph.select(&trace.logits, &target::predicted(&trace.logits)?)?,
    };
    let Use::Backward(rule) = used else { return Ok(Found { logits: trace.logits, seed, map: None }) };
    let rows = images.size()[0];
    let baselines = || Trace::of_baselines(&grey(images)?, rows, |baselines| graph.run(baselines, used.keep()));
    let reference = rule.steps().filter(|steps| steps.compare()).map(|_| baselines()).transpose()?;
    let step = forgetting(graph, graph.back(&trace, reference.as_ref(), rule));
    let map = graph.leave(graph.walk(&graph.enter(&seed)?, 0, step)?)?;
    Ok(Found { logits: trace.logits, seed, map: Some(map) })
}

/// `step` after which a plain operation gives back what it has made of its weights: of all layers together that is as much as
/// they are, and a sweep may have no room for it. Lowered operations need theirs again.
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

/// Images without a pattern, from -1 to 1; spares libtorch's global generator, of which nothing else may depend on a proof.
pub(super) fn wave(size: &[i64]) -> Result<Tensor, TchError> {
    let count = Tensor::f_arange(size.iter().product::<i64>(), (Kind::Double, Device::Cpu))?;
    let wave = count.f_mul_scalar(0.618_033_988_75)?.f_square()?.f_sin()?;
    wave.f_view(size)?.f_to_kind(Kind::Float)
}

/// A baseline `[1, c, h, w]` for images `[n, c, h, w]`.
pub(super) fn grey(images: &Tensor) -> Result<Tensor, TchError> {
    images.f_narrow(0, 0, 1)?.f_full_like(GREY)
}

/// `n` of `few`, one after the other and then again.
pub(super) fn repeated(few: &Tensor, n: i64) -> Result<Tensor, TchError> {
    let times = (n as u64).div_ceil(few.size()[0].max(1) as u64) as i64;
    let mut repeats = vec![1; few.dim()];
    repeats[0] = times;
    few.f_repeat(&repeats)?.f_narrow(0, 0, n)
}

/// Results of a pass.
#[derive(Debug)]
pub(super) struct Found {
    /// `[n, classes]`.
    pub(super) logits: Tensor,
    /// Where `map` begins, `[n, classes]`.
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
        let map = self.map.as_ref().map(|map| repeated(map, n)).transpose()?;
        Ok(Self { logits: repeated(&self.logits, n)?, seed: repeated(&self.seed, n)?, map })
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
