//! Results of the plain graph for the few images of all proofs: computed once, and kept.

use std::collections::{BTreeMap, BTreeSet};

use tch::{TchError, Tensor};

use super::Proof;
use super::passes::{Found, alone, grey, wave};
use crate::graph::{Graph, Keep, Replacement, Use, plane};

/// A height and a width.
type Size = [i64; 2];

/// Passes of the plain graph that were made so far.
#[derive(Debug, Default)]
pub(super) struct Plain {
    /// By what they are for, and the size of images.
    passes: BTreeMap<(String, Size), Found>,
    /// Logits `[1, classes]` of the first image with a box in grey: by the image's size, the box's corner and its size.
    boxes: BTreeMap<(Size, Size, Size), Tensor>,
}

/// Number of different boxes among `boxes`.
pub(super) fn distinct(boxes: &[Replacement]) -> Result<i64, TchError> {
    let places = boxes.iter().map(|made| Ok((made.top, made.left, plane(&made.pixels)?)));
    Ok(places.collect::<Result<BTreeSet<_>, TchError>>()?.len() as i64)
}

impl Proof {
    /// The first `count` images of proofs, of `size`, and what they give operation by operation.
    pub(super) fn expected(
        &self,
        graph: &Graph,
        count: i64,
        size: Size,
        used: Use<'_>,
    ) -> Result<(Tensor, Found), TchError> {
        let images = wave(&[count, graph.shape.channels, size[0], size[1]])?;
        // Logits are the same whatever is kept on the way.
        let used = if let Use::Forward(_) = used { Use::Forward(Keep::Logits) } else { used };
        let key = (used.to_string(), size);
        let mut plain = self.plain.borrow_mut();
        let known = plain.passes.get(&key);
        let there = known.map_or(0, |found| found.logits.size()[0]);
        if there >= count {
            return Ok((images, known.map_or_else(|| Found::joined(&[]), |found| found.first(count))?));
        }
        let more = alone(graph, &images.f_narrow(0, there, count - there)?, used)?;
        forget_own(graph);
        let found = Found::joined(&known.into_iter().chain([&more]).collect::<Vec<_>>())?;
        let all = found.first(count)?;
        plain.passes.insert(key, found);
        Ok((images, all))
    }

    /// Logits of `image` with each of the boxes replaced, which are those of [`in_grey`].
    pub(super) fn expected_changes(
        &self,
        graph: &Graph,
        image: &Tensor,
        boxes: &[&Replacement],
    ) -> Result<Tensor, TchError> {
        let size = plane(image)?;
        let mut plain = self.plain.borrow_mut();
        let key = |made: &Replacement| Ok::<_, TchError>((size, [made.top, made.left], plane(&made.pixels)?));
        let mut missing = BTreeMap::new();
        for made in boxes {
            if !plain.boxes.contains_key(&key(made)?) {
                missing.insert(key(made)?, made_in(made, image)?);
            }
        }
        if !missing.is_empty() {
            let changed = Tensor::f_cat(&missing.values().collect::<Vec<_>>(), 0)?;
            let logits = alone(graph, &changed, Use::Forward(Keep::Logits))?.logits;
            forget_own(graph);
            for (at, key) in (0..).zip(missing.into_keys()) {
                plain.boxes.insert(key, logits.f_narrow(0, at, 1)?);
            }
        }
        let logits = boxes.iter().filter_map(|made| plain.boxes.get(&key(made).ok()?)).collect::<Vec<_>>();
        Tensor::f_cat(&logits, 0)
    }
}

/// Frees what the plain passes of a proof have made of the weights.
pub(super) fn forget_own(graph: &Graph) {
    for node in &graph.nodes {
        node.operation.forget();
    }
}

/// The box of `made` in the first image, in grey.
pub(super) fn in_grey(made: &Replacement) -> Result<Replacement, TchError> {
    Ok(Replacement { image: 0, top: made.top, left: made.left, pixels: grey(&made.pixels)? })
}

/// `image` `[1, c, h, w]` with the box of `made` replaced.
fn made_in(made: &Replacement, image: &Tensor) -> Result<Tensor, TchError> {
    let whole = image.f_mul_scalar(1.0)?;
    let [down, across] = plane(&made.pixels)?;
    whole.f_narrow(2, made.top, down)?.f_narrow(3, made.left, across)?.f_copy_(&made.pixels)?;
    Ok(whole)
}
