//! Results of single images that all proofs share: computed once, and kept.

use std::collections::{BTreeMap, BTreeSet};

use tch::{TchError, Tensor};

use super::judge::{self, Judged};
use super::passes::{Found, alone, fit_together, grey, one_by_one};
use super::{DISTINCT, Proof};
use crate::graph::{Graph, Keep, Replacement, Use, plane};

/// A height and a width.
type Size = [i64; 2];

/// The purpose of a pass, and the size of its images.
type Key = (String, Size);

/// Passes that were made so far of the images that all proofs share.
#[derive(Debug, Default)]
pub(super) struct Plain {
    /// Results of the plain graph.
    passes: BTreeMap<Key, Found>,
    /// Results of the lowered graph, each image by itself.
    alone: BTreeMap<Key, Found>,
    /// Logits `[1, classes]` of the first image with a box in grey: by the image's size, the box's corner and its size.
    boxes: BTreeMap<(Size, Size, Size), Tensor>,
}

impl Plain {
    /// Adds the rows of `more` to those that `passes` has of `key`.
    fn add(
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
fn key(images: &Tensor, used: Use<'_>) -> Result<Key, TchError> {
    let used = if let Use::Forward(_) = used { Use::Forward(Keep::Logits) } else { used };
    Ok((used.to_string(), plane(images)?))
}

/// Number of different boxes among `boxes`.
pub(super) fn distinct(boxes: &[Replacement]) -> Result<i64, TchError> {
    let places = boxes.iter().map(|made| Ok((made.top, made.left, plane(&made.pixels)?)));
    Ok(places.collect::<Result<BTreeSet<_>, TchError>>()?.len() as i64)
}

impl Proof {
    /// What the first `images` of proofs give: operation by operation on `graph`, if they are small. Of large ones that takes seconds,
    /// so that the first one alone is computed operation by operation, and each of the others by itself on `lowered`, whose pass of one
    /// image is compared with the first; what that comparison finds wrong comes back as an error.
    pub(super) fn expected(
        &self,
        graph: &Graph,
        lowered: &Graph,
        images: &Tensor,
        used: Use<'_>,
    ) -> Result<Result<Found, Judged>, TchError> {
        let count = images.size()[0];
        if count == 1 || fit_together(plane(images)?) {
            return self.plainly(graph, images, used).map(Ok);
        }
        let (key, first) = (key(images, used)?, self.plainly(graph, &images.f_narrow(0, 0, 1)?, used)?);
        let there = self.plain.borrow().alone.get(&key).map_or(0, Found::rows);
        if there < count {
            let more = one_by_one(lowered, &images.f_narrow(0, there, count - there)?, used)?;
            if there == 0 {
                match judge::pass(&more.first(1)?, &first, self.bits())? {
                    // A pass of one image is proved with that, too.
                    Judged::Same => graph.record.note(&super::name(used, 1, plane(images)?)),
                    other => return Ok(Err(other)),
                }
            }
            self.plain.borrow_mut().add(|plain| &mut plain.alone, key.clone(), more)?;
        }
        // The first one stays what plain operations give.
        let found = self.plain.borrow().alone.get(&key).map(|found| found.first(count)).transpose()?;
        let rest = found.map(|found| found.last(count - 1)).transpose()?;
        Found::joined(&[Some(&first), rest.as_ref()].into_iter().flatten().collect::<Vec<_>>()).map(Ok)
    }

    /// What the first `images` of proofs give operation by operation.
    pub(super) fn plainly(&self, graph: &Graph, images: &Tensor, used: Use<'_>) -> Result<Found, TchError> {
        let (key, count) = (key(images, used)?, images.size()[0]);
        let there = self.plain.borrow().passes.get(&key).map_or(0, Found::rows);
        if there < count {
            // Logits are the same whatever is kept on the way.
            let used = if let Use::Forward(_) = used { Use::Forward(Keep::Logits) } else { used };
            // Of small images all at once, as each pass reads all weights.
            let [_, channels, height, width] = images.size()[..] else {
                return Err(TchError::Shape(format!("images of the shape {:?}", images.size())));
            };
            let all = if fit_together([height, width]) { DISTINCT } else { count };
            let images = self.wave(&[all, channels, height, width])?;
            let more = alone(graph, &images.f_narrow(0, there, all - there)?, used)?;
            forget_own(graph);
            self.plain.borrow_mut().add(|plain| &mut plain.passes, key.clone(), more)?;
        }
        let plain = self.plain.borrow();
        plain.passes.get(&key).map_or_else(|| Found::joined(&[]), |found| found.first(count))
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
