//! An input of an operation whose images change: boxes where the input changed, and the rest as it was before.

use tch::{TchError, Tensor};

use super::boxes::Area;
use super::crop::{Source, crop};
use super::patch::{Change, Changed, Replacement, plane};
use crate::graph::{Local, Node, Reach};

/// An input of an operation: its value before the change, and its change.
pub(super) struct Input<'a, C = Changed> {
    pub(super) clean: &'a Tensor,
    pub(super) change: &'a C,
    pub(super) reach: Reach,
    /// Value that a window sees beyond the border.
    pub(super) outside: f64,
}

/// `node` as an operation that is computed in boxes of `output`, if its `inputs` change and change in boxes only.
pub(super) fn local_of<'n, C: Change>(
    node: &'n Node,
    inputs: &[Input<'_, C>],
    output: &Tensor,
) -> Option<&'n dyn Local> {
    // A constant that is repeated for every image changes with their number.
    let is_constant = inputs.iter().all(|input| input.change.is_none());
    node.operation.local().filter(|_| !is_constant && inputs.iter().all(|input| input.is_local(output)))
}

/// The boxes of an output of `size` that `count` changes of the `inputs` reach.
pub(super) fn reached<C: Change>(inputs: &[Input<'_, C>], count: usize, size: [i64; 2]) -> Vec<Area> {
    let reached = (0..count).map(|at| inputs.iter().filter_map(|input| input.reached(at, size)).reduce(Area::with));
    reached.map(Option::unwrap_or_default).collect()
}

impl<'a, C: Change> Input<'a, C> {
    /// The inputs of `node`, of values that were `clean`.
    pub(super) fn all(node: &Node, changes: &'a [C], clean: &'a [Tensor]) -> Vec<Self> {
        let input = |(index, &id): (usize, &usize)| Self {
            clean: &clean[id],
            change: &changes[id],
            reach: node.operation.reach_of(index),
            outside: node.operation.local().map_or(0.0, Local::outside),
        };
        node.inputs.iter().enumerate().map(input).collect()
    }

    /// Whether boxes of the input give boxes of `output`.
    fn is_local(&self, output: &Tensor) -> bool {
        let of_maps = plane(self.clean).zip(plane(output));
        let fit = match self.reach {
            Reach::Pixel => of_maps.is_some_and(|(here, there)| here == there),
            Reach::Window { .. } => of_maps.is_some(),
            Reach::Everywhere => false,
        };
        fit && !self.change.is_whole()
    }

    /// The box of an output of `size` that change number `at` reaches.
    fn reached(&self, at: usize, size: [i64; 2]) -> Option<Area> {
        self.change.changed(at).map(|area| area.reaching(self.reach, size))
    }

    /// Whether it is as large as `output`, but for the images.
    pub(super) fn is_as(&self, output: &Tensor) -> bool {
        self.clean.size()[1..] == output.size()[1..]
    }
}

impl Input<'_> {
    /// The parts of this input that the areas of a group of outputs see, one row each.
    pub(super) fn crop(&self, replacements: &[Replacement], group: &[(usize, Area)]) -> Result<Tensor, TchError> {
        crop(self.clean, &self.sources(replacements, group), self.outside)
    }

    pub(super) fn sources(&self, replacements: &[Replacement], group: &[(usize, Area)]) -> Vec<Source<'_>> {
        let source = |&(at, area): &(usize, Area)| Source {
            image: replacements[at].image,
            area: area.seen(self.reach),
            patch: if let Changed::Boxes(patches) = self.change { Some(&patches[at]) } else { None },
        };
        group.iter().map(source).collect()
    }

    /// The whole input, a row for each replacement; a value that no image feeds stays as it is.
    pub(super) fn whole(&self, replacements: &[Replacement]) -> Result<Tensor, TchError> {
        match (self.change, plane(self.clean)) {
            (Changed::Whole(values), _) => Ok(values.shallow_clone()),
            (Changed::Boxes(_), Some([height, width])) => {
                let all = Area { top: 0, left: 0, height, width };
                let patches = (0..replacements.len()).map(|at| (at, all)).collect::<Vec<_>>();
                Input { reach: Reach::Pixel, ..*self }.crop(replacements, &patches)
            }
            _ => Ok(self.clean.shallow_clone()),
        }
    }
}
