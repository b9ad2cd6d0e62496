//! Largest and smallest values over dimensions, and of two values.

use tch::{TchError, Tensor};

use super::max_pool::MaxPool;
use crate::graph::{Compared, How, Kept, NO_CHANGE, Operation, Pair, Spatial};
use crate::operations::arithmetic::two_values::times;
use crate::operations::gradients::{plain_gradient, reduced, run_keeping};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "extreme",
    summary: "largest or smallest value over dimensions, or of two values",
    deep_lift: "over dimensions the change goes to the winner that made it; max(a, b) is b + relu(a - b), by rescale \
                (captum: plain gradient)",
    aten: &["aten.amax", "aten.amin", "aten.max", "aten.min", "aten.maximum", "aten.minimum"],
    import,
};

/// The smallest value is the negative of the largest negative.
fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let least = matches!(call.operator(), "amin" | "min" | "minimum");
    let sign = if least { -1.0 } else { 1.0 };
    let mut input = call.value("self")?;
    if least {
        input = times(call, &input, sign)?;
    }
    let largest = match call.optional_value("other")? {
        Some(other) => {
            let other = if least { times(call, &other, sign)? } else { other };
            call.apply(Larger, &[input, other])?
        }
        None => over_dimensions(call, input)?,
    };
    if least { times(call, &largest, sign) } else { Ok(largest) }
}

fn over_dimensions(call: &mut Call<'_>, input: Value) -> Result<Value, ExportError> {
    let shares = !matches!(call.operator(), "max" | "min");
    let given: Vec<i64> = call.get("dim", Vec::new())?;
    // No dimension given means all of them, the images' too.
    let dims = if given.is_empty() { (0..call.shape("self")?.len() as i64).collect() } else { given };
    let dims = call.dims("self", &dims)?;
    call.apply(Largest { dims, keep: call.get("keepdim", false)?, shares }, &[input])
}

/// The largest value over `dims`, none of which is that of the images.
#[derive(Clone, Debug)]
struct Largest {
    /// Dimensions, counted from 0.
    dims: Vec<i64>,
    /// Whether they stay, with size 1.
    keep: bool,
    /// Whether values that are equally large share the gradient, as `amax` has it; else the first of them takes all, as
    /// `max` has it.
    shares: bool,
}

impl Largest {
    /// The order of dimensions in which those of the windows are the last, and how many others there are.
    fn order(&self, rank: usize) -> (Vec<i64>, usize) {
        let mut order: Vec<i64> = (0..rank as i64).filter(|dim| !self.dims.contains(dim)).collect();
        let others = order.len();
        order.extend((0..rank as i64).filter(|dim| self.dims.contains(dim)));
        (order, others)
    }

    /// Each window in the last dimension: `[.., window]`.
    fn windows(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let (order, others) = self.order(x.dim());
        let ordered = x.f_permute(&order)?;
        let mut shape = ordered.size();
        let window: i64 = shape.drain(others..).product();
        shape.push(window);
        ordered.f_reshape(&shape)
    }

    /// Shape of the output for an input of `shape`.
    fn shape(&self, shape: &[i64]) -> Vec<i64> {
        let size = |(dim, size): (usize, &i64)| {
            if self.dims.contains(&(dim as i64)) { self.keep.then_some(1) } else { Some(*size) }
        };
        shape.iter().enumerate().filter_map(size).collect()
    }

    /// `gradient` of each window at its winner, in the `shape` of the input.
    fn given(&self, shape: &[i64], gradient: &Tensor, winners: &Tensor) -> Result<Tensor, TchError> {
        let (order, others) = self.order(shape.len());
        let sizes: Vec<i64> = order.iter().map(|dim| shape[*dim as usize]).collect();
        let mut flat = sizes[..others].to_vec();
        flat.push(sizes[others..].iter().product());
        let empty = Tensor::f_zeros(&flat, (gradient.f_kind()?, gradient.device()))?;
        let filled = empty.f_scatter(-1, winners, &gradient.f_reshape(winners.size())?)?;
        let mut back = vec![0; order.len()];
        order.iter().enumerate().for_each(|(to, from)| back[*from as usize] = to as i64);
        filled.f_reshape(&sizes)?.f_permute(&back)
    }
}

impl Operation for Largest {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let (values, winners) = self.windows(inputs[0])?.f_max_dim(-1, true)?;
        let kept = if how.keep { vec![winners, inputs[0].shallow_clone()] } else { Vec::new() };
        Ok((values.f_reshape(self.shape(&inputs[0].size()))?, kept))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        if self.shares {
            let largest = |inputs: &[Tensor]| inputs[0].f_amax(self.dims.as_slice(), self.keep);
            return plain_gradient(&kept.tensors[1..], gradient, largest);
        }
        Ok(vec![self.given(kept.shape(0)?, gradient, kept.tensor(0)?)?])
    }

    fn spatial(&self) -> Spatial<'_> {
        if self.keep && self.dims == [1] { Spatial::Kept } else { Spatial::Lost }
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }
}

impl Compared for Largest {
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        if pair.captum {
            return self.backward(pair.here, gradient);
        }
        let shape = pair.here.shape(0)?;
        MaxPool::shared_out(pair, gradient, |gradient, winners| self.given(shape, gradient, winners))
    }
}

/// The larger of two values.
#[derive(Clone, Copy, Debug)]
struct Larger;

impl Operation for Larger {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        run_keeping(inputs, how, |inputs| inputs[0].f_maximum(inputs[1]))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| inputs[0].f_maximum(&inputs[1]))
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }
}

impl Compared for Larger {
    /// The share of the left value is the change of `relu(a - b)` over that of `a - b`; the right one has the rest.
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        if pair.captum {
            return self.backward(pair.here, gradient);
        }
        let ((a, a0), (b, b0)) = (pair.inputs(0)?, pair.inputs(1)?);
        let (ahead, ahead0) = (a.f_sub(b)?, a0.f_sub(b0)?);
        let change = ahead.f_sub(&ahead0)?;
        let slope = ahead.f_relu()?.f_sub(&ahead0.f_relu()?)?.f_div(&change)?;
        let still = ahead.f_sign()?.f_add_scalar(1.0)?.f_mul_scalar(0.5)?;
        let share = still.f_where_self(&change.f_abs()?.f_le(NO_CHANGE)?, &slope)?;
        let of_left = gradient.f_mul(&share)?;
        let of_right = gradient.f_sub(&of_left)?;
        Ok(vec![reduced(&of_left, pair.here.shape(0)?)?, reduced(&of_right, pair.here.shape(1)?)?])
    }
}
