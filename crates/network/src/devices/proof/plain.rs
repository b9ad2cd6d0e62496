//! Results of single images that all proofs share: computed once, and kept.

use std::collections::{BTreeMap, BTreeSet};

use tch::{TchError, Tensor};

use super::images::grey;
use super::passes::Found;
use crate::graph::{Graph, Keep, Replacement, Use, plane};

/// A height and a width.
type Size = [i64; 2];

/// The purpose of a pass, and the size of its images.
type Key = (String, Size);

/// Passes that were made so far of the images that all proofs share.
#[derive(Debug, Default)]
pub(super) struct Plain {
    /// Results of the plain graph.
    pub(super) passes: BTreeMap<Key, Found>,
    /// Results of the lowered graph, each image by itself.
    pub(super) alone: BTreeMap<Key, Found>,
    /// Logits `[1, classes]` of the first image with a box in grey: by the image's size, the box's corner and its size.
    pub(super) boxes: BTreeMap<(Size, Size, Size), Tensor>,
}

impl Plain {
    /// Adds the rows of `more` to those that `passes` has of `key`.
    pub(super) fn add(
        &mut self,
        passes: impl FnOnce(&mut Self) -> &mut BTreeMap<Key, Found>,
        key: Key,
        more: Found,
    ) -> Result<(), TchError> {
        let passes = passes(self);
        let joined = match passes.get(&key) {
            Some(found) => Found::joined(&[found, &more])?,
            None => more,
        };
        passes.insert(key, joined);
        Ok(())
    }
}

/// Key of passes of `images` that are `used` so.
pub(super) fn key(images: &Tensor, used: Use<'_>) -> Result<Key, TchError> {
    let used = if let Use::Forward(_) = used { Use::Forward(Keep::Logits) } else { used };
    Ok((used.to_string(), plane(images)?))
}

/// Number of different boxes among `boxes`.
pub(super) fn distinct(boxes: &[Replacement]) -> Result<i64, TchError> {
    let places = boxes.iter().map(|made| Ok((made.top, made.left, plane(&made.pixels)?)));
    Ok(places.collect::<Result<BTreeSet<_>, TchError>>()?.len() as i64)
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
pub(super) fn made_in(made: &Replacement, image: &Tensor) -> Result<Tensor, TchError> {
    let whole = image.f_mul_scalar(1.0)?;
    let [down, across] = plane(&made.pixels)?;
    whole.f_narrow(2, made.top, down)?.f_narrow(3, made.left, across)?.f_copy_(&made.pixels)?;
    Ok(whole)
}
