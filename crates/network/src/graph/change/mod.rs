//! Logits of images in which a few pixels were replaced, from the pass of the images as they were.
//!
//! A change in a box of the image shows in a box of every value behind it, which grows from operation to
//! operation. Only these boxes are computed: each operation takes its part of the clean value, border
//! included, with the changed box in it. That is exact, not an approximation (Nakandala et al. 2019, Krypton,
//! <https://doi.org/10.1145/3299869.3319874>). Where an operation reaches everywhere, values are whole from
//! there on.
//!
//! On CPUs each call finds its boxes, whatever is replaced. Where a device cuts boxes out by a table, the boxes of a set of windows are
//! planned once for all images.

mod boxes;
mod crop;
mod cutter;
mod extent;
mod input;
mod patch;
mod plan;
mod planned;
mod planner;
mod step;

use std::rc::Rc;

use tch::{TchError, Tensor};

use crate::graph::{Graph, How, Keep, Node, Split, Use};
use crate::tensors::device::dense;
use crate::tensors::settings;
use boxes::{Area, SIZES, groups};
use crop::{Before, difference};
use input::{Input, local_of, reached};
use patch::{Changed, Patch, plane};

pub(crate) use cutter::{Cut, Cutter, GROUPS, Patches};
pub use patch::Replacement;
pub use plan::Plan;
pub(crate) use planned::Cutting;

/// Pixels along an axis of a map that most changes reach whole.
const SMALL: i64 = 8;

/// Every value of a graph for some images.
#[derive(Debug)]
pub struct Clean {
    values: Vec<Tensor>,
    /// The linear part of each operation that is split.
    linear: Vec<Option<Tensor>>,
}

impl Clean {
    /// Logits `[n, classes]`.
    pub fn logits(&self) -> Result<&Tensor, TchError> {
        self.values.last().ok_or_else(|| TchError::Shape("the graph is empty".to_owned()))
    }
}

impl Graph {
    /// All values for `images` `[n, c, h, w]`: unlike in other passes, none is let go.
    pub fn clean(&self, images: &Tensor) -> Result<Clean, TchError> {
        self.prove_pass(images.size()[0], super::plane(images)?, Use::Forward(Keep::Logits))?;
        let graph = self.running();
        let laid = |value: &Tensor| if graph.cutting.is_some() { Ok(value.shallow_clone()) } else { dense(value) };
        let mut clean = Clean { values: vec![laid(&graph.enter(images)?)?], linear: vec![None] };
        for node in graph.nodes.iter().skip(1) {
            let inputs: Vec<&Tensor> = node.inputs.iter().map(|&input| &clean.values[input]).collect();
            let (value, linear) = match split(node) {
                Some(split) => {
                    let linear = split.linear(inputs[0])?;
                    (split.finish(linear.f_mul_scalar(1.0)?, &inputs[1..])?, Some(linear))
                }
                None => (node.operation.run(&inputs, How { images: images.size()[0], ..How::FORWARD })?.0, None),
            };
            clean.values.push(laid(&value)?);
            clean.linear.push(linear);
        }
        if let Some(logits) = clean.values.pop() {
            clean.values.push(graph.leave(logits)?);
        }
        Ok(clean)
    }

    /// The logits `[m, classes]` of the images of `clean` with one each of m replacements made.
    pub fn changed(&self, clean: &Clean, replacements: &[Replacement]) -> Result<Tensor, TchError> {
        if let Some(lowered) = self.lowered.as_ref().filter(|_| self.is_lowered()) {
            lowered.prover.changes(self, super::plane(&clean.values[0])?, replacements)?;
        }
        let graph = self.running();
        let mut changes: Vec<Changed> = Vec::with_capacity(graph.nodes.len());
        for (id, node) in graph.nodes.iter().enumerate() {
            let change = if id == 0 {
                let patch = |replacement: &Replacement| Ok(Patch::of(replacement, graph.enter(&replacement.pixels)?));
                Changed::Boxes(replacements.iter().map(patch).collect::<Result<_, TchError>>()?)
            } else {
                change(node, &changes, clean, replacements)?
            };
            changes.push(change);
            for &input in &node.inputs {
                if graph.last_use[input] == id {
                    changes[input] = Changed::Not;
                }
            }
        }
        match changes.pop() {
            Some(Changed::Whole(logits)) => graph.leave(logits),
            _ => Err(TchError::Shape("the logits do not depend on the images".to_owned())),
        }
    }
}

/// The change of the output of `node`, from the changes of its inputs.
fn change(node: &Node, changes: &[Changed], clean: &Clean, replacements: &[Replacement]) -> Result<Changed, TchError> {
    let count = replacements.len();
    let inputs: Vec<Input<'_>> = Input::all(node, changes, &clean.values);
    if inputs.is_empty() {
        return Ok(Changed::Not);
    }
    let output = &clean.values[changes.len()];
    let Some(local) = local_of(node, &inputs, output) else {
        let whole = inputs.iter().map(|input| input.whole(replacements)).collect::<Result<Vec<_>, _>>()?;
        let whole: Vec<&Tensor> = whole.iter().collect();
        let how = How { images: count as i64, ..How::FORWARD };
        return Ok(Changed::Whole(node.operation.run(&whole, how)?.0));
    };
    let size = plane(output).unwrap_or_default();
    let linear =
        clean.linear[changes.len()].as_ref().filter(|_| inputs.iter().skip(1).all(|input| input.is_as(output)));
    let split = split(node).zip(linear).filter(|(split, _)| fits(size, split.tile()));
    let mut patches: Vec<Option<Patch>> = vec![None; count];
    let reached = reached(&inputs, count, size);
    let in_tiles = |area: &Area| split.map_or(*area, |(split, _)| area.in_tiles(split.tile(), size));
    let sizes = settings::box_sizes().filter(|sizes| *sizes > 0).unwrap_or(SIZES);
    for group in groups(&reached.iter().map(in_tiles).collect::<Vec<_>>(), size, sizes) {
        let values = if let Some((split, linear)) = split {
            changed_part(split, linear, &inputs, replacements, &group)?
        } else {
            let crops = inputs.iter().map(|input| input.crop(replacements, &group)).collect::<Result<Vec<_>, _>>()?;
            local.run_inside(&crops.iter().collect::<Vec<_>>())?
        };
        let values = Rc::new(dense(&values)?);
        for (row, &(at, area)) in group.iter().enumerate() {
            patches[at] = Some(Patch { values: Rc::clone(&values), row, area, changed: reached[at] });
        }
    }
    Ok(Changed::Boxes(patches.into_iter().flatten().collect()))
}

/// `node` in two parts, if its changes are computed alone.
fn split(node: &Node) -> Option<&dyn Split> {
    node.operation.local()?.split()
}

/// Whether boxes of a map of `size` can be made of whole tiles, or the map is so small that the whole map is computed.
fn fits(size: [i64; 2], tile: i64) -> bool {
    size.into_iter().all(|size| size % tile == 0 || size <= SMALL)
}

/// A group of outputs of `split`, from the changes of its first input and its `linear` part before the change.
fn changed_part(
    split: &dyn Split,
    linear: &Tensor,
    inputs: &[Input<'_>],
    replacements: &[Replacement],
    group: &[(usize, Area)],
) -> Result<Tensor, TchError> {
    let [first, others @ ..] = inputs else { return Err(TchError::Shape("an operation without inputs".to_owned())) };
    let difference = difference(first.clean, &first.sources(replacements, group))?;
    let others = others.iter().map(|input| input.crop(replacements, group)).collect::<Result<Vec<_>, _>>()?;
    let before = Before::of(linear, group.iter().map(|&(at, area)| (replacements[at].image, area)).collect())?;
    split.finish_changed(&difference, &|plane, values| before.add_to(plane, values), &others.iter().collect::<Vec<_>>())
}
