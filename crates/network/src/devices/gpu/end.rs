//! The end of a convolution: batch norm, sum and ReLU of its output, each with one launch.

use std::ffi::{CStr, c_void};
use std::rc::Rc;

use tch::{Kind, TchError, Tensor};

use super::launch::{BLOCK, Launch};
use crate::graph::{How, NO_CHANGE};
use crate::operations::BatchNorm;

/// Most values of a launch: kernels count with 32 bits.
const MOST: i64 = 1 << 31;

/// A batch norm as kernels apply it: `(x - mean) * scale + bias`, `[c]` each.
#[derive(Debug)]
pub(super) struct Affine {
    mean: Tensor,
    /// `weight / sqrt(variance + eps)`.
    pub(super) scale: Tensor,
    bias: Tensor,
}

impl Affine {
    pub(super) fn of(norm: &BatchNorm) -> Result<Self, TchError> {
        let single = |values: &Tensor| values.f_to_kind(Kind::Float)?.f_contiguous();
        Ok(Self { mean: single(&norm.mean)?, scale: single(&norm.scale()?)?, bias: single(&norm.bias)? })
    }
}

/// The same as kernels.cu has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct End {
    mean: *const c_void,
    scale: *const c_void,
    bias: *const c_void,
    other: *const c_void,
    channels: u32,
    plane: u32,
    last: u32,
    rectify: u32,
}

/// Ends on one device.
#[derive(Clone, Debug)]
pub(super) struct Ends(pub(super) Rc<dyn Launch>);

impl Ends {
    /// The values `x` `[n, c, h, w]` times scale plus shift, plus `other`, and the ReLU of that, with what its way back needs: where its
    /// input was positive, or its input if two passes will be compared. They take the memory of `x` if that is their `own`.
    pub(super) fn finish(
        &self,
        (x, own): (&Tensor, bool),
        norm: Option<&Affine>,
        other: Option<&Tensor>,
        (relu, how): (bool, How),
    ) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let (x, order) = dense(x)?;
        let other = other.map(|other| order.of(other)).transpose()?;
        let rectify = relu && !how.compare;
        let nothing = norm.is_none() && other.is_none() && !rectify;
        let y = if own || nothing { x.shallow_clone() } else { order.like(&x, Kind::Float)? };
        let positive = (rectify && how.keep).then(|| order.like(&x, Kind::Uint8)).transpose()?;
        for part in Part::of(&x, if nothing { 0 } else { MOST }) {
            self.finish_part(&part, [&y, &x], (norm, other.as_ref(), rectify), (order, positive.as_ref()))?;
        }
        if relu && how.compare {
            return Ok((y.f_relu()?, vec![y]));
        }
        Ok((y, positive.into_iter().collect()))
    }

    fn finish_part(
        &self,
        part: &Part,
        [y, x]: [&Tensor; 2],
        (norm, other, rectify): (Option<&Affine>, Option<&Tensor>, bool),
        (order, positive): (Order, Option<&Tensor>),
    ) -> Result<(), TchError> {
        let channels = x.size().get(1).copied().unwrap_or(1).max(1);
        let plane = part.row / channels;
        let of = |values: fn(&Affine) -> &Tensor| norm.map_or(std::ptr::null(), |norm| pointer(values(norm)));
        let (values, sum, open) =
            ([y, x].map(|values| part.place(values)), part.place_of(other), part.place_of(positive));
        let end = End {
            mean: of(|norm| &norm.mean),
            scale: of(|norm| &norm.scale),
            bias: of(|norm| &norm.bias),
            other: sum,
            channels: channels as u32,
            plane: plane as u32,
            last: u32::from(order == Order::Last),
            rectify: u32::from(rectify),
        };
        let four = fit_four(if order == Order::Last { channels } else { plane }, &[values[0], values[1], sum, open]);
        let kernel = if four { c"finish_four" } else { c"finish" };
        self.launch(kernel, part.count(four), &[&values[0], &open, &values[1], &end])
    }

    /// The gradient before a ReLU from that behind it: only where its input was `positive`, and where it is itself, if `rectify`.
    pub(super) fn back(&self, gradient: &Tensor, positive: Option<&Tensor>, rectify: bool) -> Result<Tensor, TchError> {
        let (gradient, order) = dense(gradient)?;
        if positive.is_none() && !rectify {
            return Ok(gradient);
        }
        let positive = positive.map(|positive| order.of(positive)).transpose()?;
        let to = order.like(&gradient, Kind::Float)?;
        for part in Part::of(&to, MOST) {
            let (values, open) = ([&to, &gradient].map(|values| part.place(values)), part.place_of(positive.as_ref()));
            let four = fit_four(part.values, &[values[0], values[1], open]);
            let kernel = if four { c"back_four" } else { c"back" };
            self.launch(kernel, part.count(four), &[&values[0], &values[1], &open, &u32::from(rectify)])?;
        }
        Ok(to)
    }

    /// `DeepLIFT`'s multipliers before a ReLU of `here`, whose input was `there` in the other pass: as many rows, or one for all.
    pub(super) fn rescale(&self, gradient: &Tensor, here: &Tensor, there: &Tensor) -> Result<Tensor, TchError> {
        let (gradient, order) = dense(gradient)?;
        let (here, there) = (order.of(here)?, order.of(there)?);
        let to = order.like(&gradient, Kind::Float)?;
        let one = there.size().first() == Some(&1);
        for part in Part::of(&to, MOST) {
            let [to, gradient, here] = [&to, &gradient, &here].map(|values| part.place(values));
            let before = if one { pointer(&there) } else { part.place(&there) };
            // Where each row has its own, none comes twice.
            let row = if one { part.row } else { part.values };
            self.launch(
                c"rescale",
                part.count(false),
                &[&to, &gradient, &here, &before, &(NO_CHANGE as f32), &(row as u32)],
            )?;
        }
        Ok(to)
    }

    #[expect(unsafe_code, reason = "kernels take pointers")]
    fn launch(&self, kernel: &CStr, count: u32, arguments: &[&dyn Argument]) -> Result<(), TchError> {
        let mut packed: Vec<*mut c_void> = arguments.iter().map(|one| one.packed()).collect();
        packed.push(count.packed());
        // SAFETY: the methods above give what the kernel takes, of tensors that have so many values; and what they let go, libtorch gives
        // only to those who are served behind this launch.
        Ok(unsafe { self.0.launch(kernel, count.div_ceil(BLOCK), &mut packed) }?)
    }
}

/// An argument of a kernel, which is packed as the pointer to it.
trait Argument {
    fn packed(&self) -> *mut c_void;
}

/// Not for every type: a reference to an argument would be one, too, whose pointer is of no use.
macro_rules! arguments {
    ($($kind:ty),*) => {$(
        impl Argument for $kind {
            fn packed(&self) -> *mut c_void {
                std::ptr::from_ref(self).cast::<c_void>().cast_mut()
            }
        }
    )*};
}

arguments!(u32, f32, *const c_void, End);

/// Rows of a value that one launch takes.
struct Part {
    /// Values before the first row, in a row, and in all rows.
    first: i64,
    row: i64,
    values: i64,
}

impl Part {
    /// The rows of `values`, in parts of at most `most` values; none of nothing.
    fn of(values: &Tensor, most: i64) -> Vec<Self> {
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
    fn place(&self, values: &Tensor) -> *const c_void {
        let size = values.kind().elt_size_in_bytes();
        pointer(values).wrapping_byte_add(self.first as usize * size)
    }

    /// The same, or null where there are no values.
    fn place_of(&self, values: Option<&Tensor>) -> *const c_void {
        values.map_or(std::ptr::null(), |values| self.place(values))
    }

    /// Number of threads that write the part, one value or four.
    fn count(&self, four: bool) -> u32 {
        (self.values / if four { 4 } else { 1 }) as u32
    }
}

/// Whether four values are taken at once, of which so many `lie` together, and whose memory begins at `places`.
fn fit_four(lie: i64, places: &[*const c_void]) -> bool {
    lie % 4 == 0 && places.iter().all(|place| place.addr() % 16 == 0)
}

fn pointer(values: &Tensor) -> *const c_void {
    values.data_ptr().cast_const()
}

/// Order in which the values of `[n, c, h, w]`, or of any `[n, c, ..]`, lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    First,
    /// With channels last.
    Last,
}

impl Order {
    /// `values` in this order, without gaps.
    fn of(self, values: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::First => values.f_contiguous(),
            Self::Last => values.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2]),
        }
    }

    /// Memory for as many values as `values` has.
    fn like(self, values: &Tensor, kind: Kind) -> Result<Tensor, TchError> {
        match (self, &values.size()[..]) {
            (Self::Last, &[n, c, h, w]) => {
                Tensor::f_empty([n, h, w, c], (kind, values.device()))?.f_permute([0, 3, 1, 2])
            }
            _ => Tensor::f_empty(values.size(), (kind, values.device())),
        }
    }
}

/// `values` without gaps, in the order in which they lie.
fn dense(values: &Tensor) -> Result<(Tensor, Order), TchError> {
    let lies_last = values.dim() == 4 && !values.is_contiguous() && values.f_permute([0, 2, 3, 1])?.is_contiguous();
    let order = if lies_last { Order::Last } else { Order::First };
    Ok((order.of(values)?, order))
}
