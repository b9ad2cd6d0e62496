//! What cuts boxes out of values on a device, many with one launch.

use std::fmt;

use tch::{TchError, Tensor};

/// Groups of one size that the patches of a value fall into, at most.
pub(crate) const GROUPS: usize = 4;

/// Numbers of a row of [`Cut::sources`].
pub(super) const COLUMNS: usize = 6;

/// Boxes that are cut out of a value: one for each of some windows and each of n images, window by window.
#[derive(Debug)]
pub(crate) struct Cut<'a> {
    /// The value of the images as they were: `[n, c, h, w]`, or one row for all.
    pub(crate) map: &'a Tensor,
    /// Number of images n.
    pub(crate) images: i64,
    /// Patches that lie over the map, group by group. There are none where the value does not change.
    pub(crate) patches: Vec<Patches<'a>>,
    /// Places of each window's box, `[windows, 6]` of int32: row and column of its first pixel in the map; the group of its
    /// patch and the patch's number there, or -1; and row and column of the patch's first pixel.
    pub(crate) sources: &'a Tensor,
    /// Height and width of the boxes.
    pub(crate) size: [i64; 2],
    /// Value of the pixels outside of the map.
    pub(crate) outside: f64,
}

/// Patches of one size.
#[derive(Debug)]
pub(crate) struct Patches<'a> {
    /// Values `[patches n, c, *size]`; `None` where no window of these has a patch.
    pub(crate) values: Option<&'a Tensor>,
    /// Height and width.
    pub(crate) size: [i64; 2],
    /// Number of the first of them in its group.
    pub(crate) first: usize,
}

/// A device that cuts boxes out.
pub(crate) trait Cutter: fmt::Debug {
    /// The boxes, `[windows n, c, *size]`.
    fn cut(&self, cut: &Cut<'_>) -> Result<Tensor, TchError>;
}
