//! Proof of planned windows: images that all have the same windows hidden.

use serde_json::json;
use sweep::fingerprint;
use tch::{Kind, TchError, Tensor};

use super::images::{DISTINCT, GREY, repeated};
use super::judge::Judged;
use super::windows::chosen;
use super::{Proof, judge, proved_once};
use crate::graph::{Graph, Keep, Plan, Replacement, Use};

/// Step of brightness between the grey that hides an image and the grey that hides the next image, so that no image's result
/// may stand for another image's.
const LIGHTER: f64 = 0.05;

impl Proof {
    /// Proves passes of `n` images with each of so many windows of `plan` hidden.
    ///
    /// The first windows of the plan and the last ones are computed as they will be, and once more with the images in the other order;
    /// some of them, the first and the last among these, are compared with the plain graph's whole images.
    pub(super) fn planned(&self, graph: &Graph, n: i64, plan: &Plan, windows: usize) -> Result<(), TchError> {
        let [height, width] = plan.size;
        let places: Vec<_> = plan.windows.iter().map(|area| [area.top, area.left, area.height, area.width]).collect();
        let boxes = fingerprint::digest(&json!([places, plan.sizes]));
        let name = format!("windows {windows} of {} in {n} of {height}x{width} ({})", places.len(), &boxes[..8]);
        proved_once(graph, &name, |lowered| {
            let few = self.wave(&[n.min(DISTINCT), graph.shape.channels, height, width])?;
            let image = few.f_narrow(0, 0, 1)?;
            let before = self.plainly(graph, &image, Use::Forward(Keep::Logits))?.logits;
            let (images, hidden) = (repeated(&few, n)?, repeated(&shades(&few)?, n)?);
            let mut starts = vec![0, plan.windows() - windows];
            starts.dedup();
            let hide = |images: &Tensor, hidden: &Tensor| {
                let clean = lowered.clean(images)?;
                let of = |first: &usize| lowered.hide(&clean, hidden, (plan, *first..first + windows));
                starts.iter().map(of).collect::<Result<Vec<_>, TchError>>()
            };
            let (found, turned) = (hide(&images, &hidden)?, hide(&images.f_flip([0])?, &hidden.f_flip([0])?)?);
            for ((found, turned), first) in found.iter().zip(turned).zip(starts) {
                let some = chosen(windows);
                let made = some.iter().map(|at| {
                    let area = plan.windows[first + at];
                    let pixels = image.f_narrow(2, 0, area.height)?.f_narrow(3, 0, area.width)?.f_full_like(GREY)?;
                    Ok(Replacement { image: 0, top: area.top, left: area.left, pixels })
                });
                let made = made.collect::<Result<Vec<Replacement>, TchError>>()?;
                let after = self.expected_changes(graph, &image, &made.iter().collect::<Vec<_>>())?;
                let rows: Vec<usize> = some.iter().map(|at| at * n as usize).collect();
                let flat = |logits: &Tensor| logits.f_flatten(0, 1);
                let again = flat(&turned.f_flip([1])?)?;
                match judge::changes((&flat(found)?, &again), (&rows, &after), &before, self.bits())? {
                    Judged::Same => {}
                    other => return Ok(other),
                }
            }
            Ok(Judged::Same)
        })
    }
}

/// Grey that hides each of `few` images, each image's a little lighter than the grey of the image before.
fn shades(few: &Tensor) -> Result<Tensor, TchError> {
    let shade = Tensor::f_arange(few.size()[0], (Kind::Float, few.device()))?.f_mul_scalar(LIGHTER)?;
    few.f_full_like(GREY)?.f_add(&shade.f_view([-1, 1, 1, 1])?)
}
