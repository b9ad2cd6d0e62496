//! Changes of values: pixels that are replaced, and the boxes of values behind them.

use std::rc::Rc;

use tch::Tensor;

use super::boxes::Area;

/// Pixels `[1, c, h, w]` that replace those of one of the images from `top`, `left` on.
#[derive(Debug)]
pub struct Replacement {
    /// Number of the image in its batch.
    pub image: i64,
    /// First row, in pixels.
    pub top: i64,
    /// First column, in pixels.
    pub left: i64,
    /// Pixels that are put there.
    pub pixels: Tensor,
}

/// Facts about the change of a value.
pub(super) trait Change {
    /// Whether there is none.
    fn is_none(&self) -> bool;

    /// Whether the value changes everywhere.
    fn is_whole(&self) -> bool;

    /// The box that change number `at` may have changed, where it is not everywhere.
    fn changed(&self, at: usize) -> Option<Area>;
}

/// Change of one value by the replacements.
#[derive(Debug)]
pub(super) enum Changed {
    /// No change, because no image feeds the value.
    Not,
    /// A box for each replacement.
    Boxes(Vec<Patch>),
    /// The whole value, a row for each replacement.
    Whole(Tensor),
}

impl Change for Changed {
    fn is_none(&self) -> bool {
        matches!(self, Self::Not)
    }

    fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }

    fn changed(&self, at: usize) -> Option<Area> {
        if let Self::Boxes(patches) = self { Some(patches[at].changed) } else { None }
    }
}

/// A box of a value that changed: row `row` of `values`, which holds several such boxes.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    pub(super) values: Rc<Tensor>,
    pub(super) row: usize,
    pub(super) area: Area,
    /// The part of the box that may have changed: around this part are pixels that were computed with others, and did not
    /// change.
    pub(super) changed: Area,
}

impl Patch {
    /// The `pixels` of `replacement`.
    pub(super) fn of(replacement: &Replacement, pixels: Tensor) -> Self {
        let [height, width] = plane(&pixels).unwrap_or_default();
        let area = Area { top: replacement.top, left: replacement.left, height, width };
        Self { values: Rc::new(pixels), row: 0, area, changed: area }
    }
}

/// Height and width of `[n, c, h, w]`, blocked or not.
pub(super) fn plane(tensor: &Tensor) -> Option<[i64; 2]> {
    match tensor.size()[..] {
        [_, _, height, width] | [_, _, height, width, _] => Some([height, width]),
        _ => None,
    }
}
