//! Values as kernels take them: without gaps, in one of two orders, in parts that fit into 32 bits.

use std::ffi::c_void;

use tch::{Device, Kind, TchError, Tensor};

/// Most values of a launch: kernels count with 32 bits.
pub(super) const MOST: i64 = 1 << 31;

/// Rows of a value that one launch takes.
pub(super) struct Part {
    /// Values before the first row, in a row, and in all rows.
    pub(super) first: i64,
    pub(super) row: i64,
    pub(super) values: i64,
}

impl Part {
    /// The rows of `values`, in parts of at most `most` values; none of nothing.
    pub(super) fn of(values: &Tensor, most: i64) -> Vec<Self> {
        let rows = values.size().first().copied().unwrap_or(0);
        let row = values.numel() as i64 / rows.max(1);
        if row == 0 || most == 0 {
            return Vec::new();
        }
        let at_once = (most / row).clamp(1, rows);
        let part = |first: i64| Self { first: first * row, row, values: at_once.min(rows - first) * row };
        (0..rows).step_by(at_once as usize).map(part).collect()
    }

    /// Address of the part in the memory of `values`.
    pub(super) fn place(&self, values: &Tensor) -> *const c_void {
        let size = values.kind().elt_size_in_bytes();
        pointer(values).wrapping_byte_add(self.first as usize * size)
    }

    /// The same, or null where there are no values.
    pub(super) fn place_of(&self, values: Option<&Tensor>) -> *const c_void {
        values.map_or(std::ptr::null(), |values| self.place(values))
    }

    /// The same rows of another value, each of which has so many values.
    pub(super) fn of_rows(&self, row: i64) -> Self {
        let rows = |values: i64| values / self.row.max(1) * row;
        Self { first: rows(self.first), row, values: rows(self.values) }
    }

    /// Address of the first plane of the part, of `plane` values each, in `values`, which has one value for each plane.
    pub(super) fn place_of_planes(&self, values: &Tensor, plane: i64) -> *const c_void {
        let size = values.kind().elt_size_in_bytes();
        pointer(values).wrapping_byte_add((self.first / plane.max(1)) as usize * size)
    }

    /// Number of threads that write the part, one value or four.
    pub(super) fn count(&self, four: bool) -> u32 {
        (self.values / if four { 4 } else { 1 }) as u32
    }
}

/// Whether four values are taken at once, of which so many `lie` together, and whose memory begins at `places`.
pub(super) fn fit_four(lie: i64, places: &[*const c_void]) -> bool {
    lie % 4 == 0 && places.iter().all(|place| place.addr() % 16 == 0)
}

pub(super) fn pointer(values: &Tensor) -> *const c_void {
    values.data_ptr().cast_const()
}

/// Order in which the values of `[n, c, h, w]`, or of any `[n, c, ..]`, lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    First,
    /// With channels last.
    Last,
}

impl Order {
    /// `values` in this order, without gaps.
    pub(super) fn of(self, values: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::First => values.f_contiguous(),
            Self::Last => values.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2]),
        }
    }

    /// Memory for as many values as `values` has.
    pub(super) fn like(self, values: &Tensor, kind: Kind) -> Result<Tensor, TchError> {
        match values.size()[..] {
            [n, c, h, w] => self.empty([n, c, h, w], (kind, values.device())),
            _ => Tensor::f_empty(values.size(), (kind, values.device())),
        }
    }

    /// Memory for values `[n, c, h, w]`.
    pub(super) fn empty(self, [n, c, h, w]: [i64; 4], options: (Kind, Device)) -> Result<Tensor, TchError> {
        match self {
            Self::First => Tensor::f_empty([n, c, h, w], options),
            Self::Last => Tensor::f_empty([n, h, w, c], options)?.f_permute([0, 3, 1, 2]),
        }
    }
}

/// `values` without gaps, in the order in which they lie.
pub(super) fn dense(values: &Tensor) -> Result<(Tensor, Order), TchError> {
    let lies_last = values.dim() == 4 && !values.is_contiguous() && values.f_permute([0, 2, 3, 1])?.is_contiguous();
    let order = if lies_last { Order::Last } else { Order::First };
    Ok((order.of(values)?, order))
}

/// Values `[n, c]` without gaps, where `values` `[n, c, h, w]` shows each of them all over a plane.
pub(super) fn spread(values: &Tensor) -> Result<Option<Tensor>, TchError> {
    match (&values.size()[..], &values.stride()[..]) {
        (&[_, _, height, width], &[.., 0, 0]) if height * width > 1 => {
            Ok(Some(values.f_select(3, 0)?.f_select(2, 0)?.f_contiguous()?))
        }
        _ => Ok(None),
    }
}
