//! The end of a convolution: batch norm, sum and ReLU of its output, each with one launch.

use std::ffi::c_void;
use std::rc::Rc;

use tch::{Kind, TchError, Tensor};

use super::launch::Launch;
use super::launch::arguments::{arguments, ask};
use super::memory::{MOST, Order, Part, dense, fit_four, pointer, spread};
use crate::graph::{Come, How, NO_CHANGE};
use crate::operations::BatchNorm;

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

/// The same as kernels.cu has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Way {
    other: *const c_void,
    positive: *const c_void,
    channels: u32,
    plane: u32,
    last: u32,
    spread: u32,
    rectify: u32,
    unused: u32,
}

arguments!(End, Way);

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
        ask(&self.0, kernel, part.count(four), &[&values[0], &open, &values[1], &end])
    }

    /// The gradient before a ReLU from that behind it, which may be in two parts: only where its input was `positive`, and where it is
    /// itself, if `rectify`.
    pub(super) fn back(&self, come: &Come, positive: Option<&Tensor>, rectify: bool) -> Result<Tensor, TchError> {
        if positive.is_none() && !rectify {
            return Ok(dense(&come.whole()?)?.0);
        }
        let (gradient, order) = match spread(&come.first)?.filter(|_| come.second.is_none()) {
            Some(gradient) => (gradient, positive.map(dense).transpose()?.map_or(Order::First, |(_, order)| order)),
            None => dense(&come.first)?,
        };
        let other = come.second.as_ref().map(|second| order.of(second)).transpose()?;
        let positive = positive.map(|positive| order.of(positive)).transpose()?;
        let to = order.like(&come.first, Kind::Float)?;
        for part in Part::of(&to, MOST) {
            self.back_part(&part, [&to, &gradient], [other.as_ref(), positive.as_ref()], (order, rectify))?;
        }
        Ok(to)
    }

    fn back_part(
        &self,
        part: &Part,
        [to, gradient]: [&Tensor; 2],
        [other, positive]: [Option<&Tensor>; 2],
        (order, rectify): (Order, bool),
    ) -> Result<(), TchError> {
        let channels = to.size().get(1).copied().unwrap_or(1).max(1);
        let plane = part.row / channels;
        let is_spread = gradient.numel() != to.numel();
        let from = if is_spread { part.place_of_planes(gradient, plane) } else { part.place(gradient) };
        let (to, other, positive) = (part.place(to), part.place_of(other), part.place_of(positive));
        let way = Way {
            other,
            positive,
            channels: channels as u32,
            plane: plane as u32,
            last: u32::from(order == Order::Last),
            spread: u32::from(is_spread),
            rectify: u32::from(rectify),
            unused: 0,
        };
        let four = !is_spread && fit_four(part.values, &[to, from, other, positive]);
        let kernel = if four { c"back_four" } else { c"back" };
        ask(&self.0, kernel, part.count(four), &[&to, &from, &way])
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
            ask(
                &self.0,
                c"rescale",
                part.count(false),
                &[&to, &gradient, &here, &before, &(NO_CHANGE as f32), &(row as u32)],
            )?;
        }
        Ok(to)
    }
}
