//! Results that a proof expects: those of the plain graph, and of single images on the lowered graph.

use std::collections::BTreeMap;

use tch::{TchError, Tensor};

use super::Proof;
use super::images::DISTINCT;
use super::judge::{self, Judged};
use super::passes::{Found, alone, fit_together, one_by_one};
use super::plain::{forget_own, key, made_in};
use crate::graph::{Graph, Keep, Replacement, Use, plane};

impl Proof {
    /// Results of the first `images` of proofs: operation by operation on `graph`, if they are small. Of large images that
    /// takes seconds, so that the first image alone is computed operation by operation, and each of the others by itself on
    /// `lowered`, whose pass of one image is compared with the first result; a difference that this comparison finds comes back
    /// as the inner error.
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

    /// Results of the first `images` of proofs, operation by operation.
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

    /// Logits of `image` with each of the boxes replaced, which are those of [`in_grey`](super::plain::in_grey).
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
