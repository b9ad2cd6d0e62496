//! Proof of changes: images in which a window is replaced.

use std::collections::BTreeMap;

use serde_json::json;
use sweep::fingerprint;
use tch::{TchError, Tensor};

use super::judge::Judged;
use super::{Proof, judge, plain, proved_once};
use crate::graph::{Graph, Keep, Replacement, Use, plane};

/// Pixels of images, each with another window hidden, up to which all of these images are computed operation by operation.
const FEW: i64 = 32 * 64 * 64;
/// Windows of a pass that are computed operation by operation, where all would be many.
const CHOSEN: usize = 4;

impl Proof {
    /// Proves a pass of so many changes of images of `size`.
    ///
    /// Small images are changed as a whole in one pass, whose windows are the same ones for every image: the pass is proved as it
    /// is, each window by the plain graph. Large images have their windows in dozens of passes, each at other places. Of those one
    /// pass is proved for each number and sizes of windows: as it is, once more in the other order, and with windows of these sizes
    /// at the corners, the edges and inside, where borders cut them off.
    pub(super) fn windows(&self, graph: &Graph, size: [i64; 2], replacements: &[Replacement]) -> Result<(), TchError> {
        let Some(first) = replacements.first() else { return Ok(()) };
        let ([height, width], [down, across]) = (size, plane(&first.pixels)?);
        let is_small = plain::distinct(replacements)? * height * width <= FEW;
        let boxes = if is_small { json!(places(replacements)?) } else { json!(sizes(replacements)?) };
        let boxes = fingerprint::digest(&boxes);
        let count = replacements.len();
        let name = format!("windows {count} of {down}x{across} in {height}x{width} ({})", &boxes[..8]);
        proved_once(graph, &name, |lowered| {
            let image = self.wave(&[1, graph.shape.channels, height, width])?;
            let before = self.plainly(graph, &image, Use::Forward(Keep::Logits))?.logits;
            let grey: Vec<Replacement> = replacements.iter().map(plain::in_grey).collect::<Result<_, _>>()?;
            let clean = lowered.clean(&image)?;
            let found = lowered.changed(&clean, &grey)?;
            if is_small {
                let all: Vec<usize> = (0..count).collect();
                let after = self.expected_changes(graph, &image, &grey.iter().collect::<Vec<_>>())?;
                return judge::changes((&found, &found), (&all, &after), &before, self.bits());
            }
            let of_some = |made: &[Replacement], chosen: &[usize], found: &Tensor, again: &Tensor| {
                let some: Vec<&Replacement> = chosen.iter().map(|at| &made[*at]).collect();
                let after = self.expected_changes(graph, &image, &some)?;
                judge::changes((found, again), (chosen, &after), &before, self.bits())
            };
            let spread = spread(&grey, size)?;
            let found_spread = lowered.changed(&clean, &spread)?;
            // Each window is once among the first and once among the last.
            let reversed: Vec<Replacement> = grey.iter().rev().map(plain::in_grey).collect::<Result<_, _>>()?;
            let again = lowered.changed(&clean, &reversed)?.f_flip([0])?;
            match of_some(&grey, &chosen(count), &found, &again)? {
                Judged::Same => {
                    let corners: Vec<usize> = (0..count.min(CHOSEN)).collect();
                    of_some(&spread, &corners, &found_spread, &found_spread)
                }
                other => Ok(other),
            }
        })
    }
}

/// Corner and size of each window.
fn places(made: &[Replacement]) -> Result<Vec<(i64, i64, [i64; 2])>, TchError> {
    made.iter().map(|made| Ok((made.top, made.left, plane(&made.pixels)?))).collect()
}

/// Number of windows of each size.
fn sizes(made: &[Replacement]) -> Result<Vec<([i64; 2], usize)>, TchError> {
    let mut sizes = BTreeMap::new();
    for made in made {
        *sizes.entry(plane(&made.pixels)?).or_insert(0) += 1;
    }
    Ok(sizes.into_iter().collect())
}

/// Some of `count` windows, the first and the last among them.
pub(super) fn chosen(count: usize) -> Vec<usize> {
    let most = CHOSEN.min(count);
    (0..most).map(|at| at * (count - 1) / (most - 1).max(1)).collect()
}

/// The windows at other places of an image of `size`: corners first, then edges, then anywhere.
fn spread(made: &[Replacement], size: [i64; 2]) -> Result<Vec<Replacement>, TchError> {
    let edges = [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.5, 0.0], [0.0, 0.5], [1.0, 0.5], [0.5, 1.0]];
    let anywhere = |at: usize| [0.618_034, 0.754_878].map(|step| (at as f64 * step).fract());
    let windows = made.iter().enumerate().map(|(at, made)| {
        let share = edges.get(at).copied().unwrap_or_else(|| anywhere(at));
        let inside = plane(&made.pixels)?;
        let [top, left] = [0, 1].map(|axis| (share[axis] * (size[axis] - inside[axis]) as f64) as i64);
        Ok(Replacement { image: 0, top, left, pixels: made.pixels.shallow_clone() })
    });
    windows.collect()
}
