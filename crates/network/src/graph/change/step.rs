//! What is computed of a value, in boxes that windows change.

use std::ops::Range;

/// Computation of a value.
#[derive(Debug)]
pub(super) enum Step {
    /// No image feeds the value.
    Not,
    /// Boxes, in groups of one size.
    Boxes(Vec<Group>),
    /// The whole value, from the whole of all inputs: inputs that have boxes are put together.
    Whole(Vec<Option<Source>>),
}

/// Boxes of one size.
#[derive(Debug)]
pub(super) struct Group {
    /// Height and width.
    pub(super) size: [i64; 2],
    /// Windows of the boxes, in rising order.
    pub(super) members: Vec<usize>,
    /// Source of the boxes' view of each input.
    pub(super) seen: Vec<Source>,
}

/// Origin of boxes of an input.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The patches of this group of the input.
    Patches(usize),
    /// Boxes of height and width `size`, cut out of the input by rows of the table from `first` on.
    Cut { first: usize, size: [i64; 2] },
}

impl Group {
    /// Range of the boxes of this group whose windows are among `windows`.
    pub(super) fn of(&self, windows: &Range<usize>) -> Range<usize> {
        let before = |end: usize| self.members.partition_point(|member| *member < end);
        before(windows.start)..before(windows.end)
    }
}
