//! An input of an operation whose images change: boxes where the input changed, and the rest as it was before.

use tch::{TchError, Tensor};

use super::boxes::Area;
use super::crop::{Source, crop};
use super::patch::{Changed, Replacement, plane};
use crate::graph::Reach;

/// An input of an operation: as it was, and what changed.
pub(super) struct Input<'a> {
    pub(super) clean: &'a Tensor,
    pub(super) change: &'a Changed,
    pub(super) reach: Reach,
    /// Value that a window sees beyond the border.
    pub(super) outside: f64,
}

impl Input<'_> {
    /// Whether boxes of it give boxes of `output`.
    pub(super) fn is_local(&self, output: &Tensor) -> bool {
        let of_maps = plane(self.clean).zip(plane(output));
        let fit = match self.reach {
            Reach::Pixel => of_maps.is_some_and(|(here, there)| here == there),
            Reach::Window { .. } => of_maps.is_some(),
            Reach::Everywhere => false,
        };
        fit && !matches!(self.change, Changed::Whole(_))
    }

    /// The box of an output of `size` that change number `at` reaches.
    pub(super) fn reached(&self, at: usize, size: [i64; 2]) -> Option<Area> {
        match self.change {
            Changed::Boxes(patches) => Some(patches[at].changed.reaching(self.reach, size)),
            _ => None,
        }
    }

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

    /// Whether it is as large as `output`, but for the images.
    pub(super) fn is_as(&self, output: &Tensor) -> bool {
        self.clean.size()[1..] == output.size()[1..]
    }

    /// All of it, one row for each replacement; what is fed by no image stays as it is.
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
