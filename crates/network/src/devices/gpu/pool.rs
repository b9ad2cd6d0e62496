//! Max pooling, whose way back is one kernel: libtorch fills what it writes first, and two gradients would be added before.

use std::ffi::c_void;

use tch::{Kind, TchError, Tensor};

use super::end::Ends;
use super::launch::arguments::{arguments, ask};
use super::memory::{MOST, Order, Part, dense};
use crate::graph::{Come, Compared, How, Kept, Local, Operation, Pair, Reach, Spatial, Sum};
use crate::operations::MaxPool;

/// The same as kernels.cu has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Pool {
    other: *const c_void,
    winners: *const c_void,
    channels: u32,
    height: u32,
    width: u32,
    down: u32,
    across: u32,
    last: u32,
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: [u32; 2],
    dilation: [u32; 2],
}

arguments!(Pool);

/// [`MaxPool`] of ordinary values.
#[derive(Clone, Debug)]
pub(super) struct Pooled {
    ends: Ends,
    pool: MaxPool,
}

impl Pooled {
    pub(super) fn new(ends: Ends, pool: MaxPool) -> Self {
        Self { ends, pool }
    }

    /// The gradient of the input of `shape`: that of each window, at its winner.
    fn given(&self, shape: &[i64], come: &Come, winners: &Tensor) -> Result<Tensor, TchError> {
        let &[n, c, h, w] = shape else { return Err(TchError::Shape(format!("a pooling of the shape {shape:?}"))) };
        let (winners, order) = dense(winners)?;
        let gradient = order.of(&come.first)?;
        let other = come.second.as_ref().map(|second| order.of(second)).transpose()?;
        let to = order.empty([n, c, h, w], (Kind::Float, gradient.device()))?;
        for part in Part::of(&to, MOST) {
            self.part(&part, [&to, &gradient, &winners], (other.as_ref(), order))?;
        }
        Ok(to)
    }

    fn part(
        &self,
        part: &Part,
        [to, gradient, winners]: [&Tensor; 3],
        (other, order): (Option<&Tensor>, Order),
    ) -> Result<(), TchError> {
        let (_, channels, height, width) = to.size4()?;
        let (_, _, down, across) = gradient.size4()?;
        let of_windows = part.of_rows(channels * down * across);
        let geometry = |values: [i64; 2]| values.map(|value| value as u32);
        let pool = Pool {
            other: of_windows.place_of(other),
            winners: of_windows.place(winners),
            channels: channels as u32,
            height: height as u32,
            width: width as u32,
            down: down as u32,
            across: across as u32,
            last: u32::from(order == Order::Last),
            kernel: geometry(self.pool.kernel),
            stride: geometry(self.pool.stride),
            padding: geometry(self.pool.padding),
            dilation: geometry(self.pool.dilation),
        };
        let arguments = (part.place(to), of_windows.place(gradient));
        ask(&self.ends.0, c"pool_back", part.count(false), &[&arguments.0, &arguments.1, &pool])
    }

    /// Whether the kernel knows such gradients of values of such a shape.
    fn fits(kept: &Kept, gradient: &Tensor) -> bool {
        kept.shape(0).is_ok_and(|shape| shape.len() == 4) && gradient.f_kind().is_ok_and(|kind| kind == Kind::Float)
    }
}

impl Operation for Pooled {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        self.pool.run(inputs, how)
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        if !Self::fits(kept, gradient) {
            return self.pool.backward(kept, gradient);
        }
        Ok(vec![self.given(kept.shape(0)?, &Come::of(gradient), kept.tensor(0)?)?])
    }

    fn backward_of(&self, kept: &Kept, come: &Come, sums: &mut [Sum]) -> Result<(), TchError> {
        if !Self::fits(kept, &come.first) {
            return self.pool.backward_onto(kept, &come.whole()?, sums);
        }
        Sum::add_each(sums, vec![self.given(kept.shape(0)?, come, kept.tensor(0)?)?])
    }

    fn adds_up(&self) -> bool {
        true
    }

    fn spatial(&self) -> Spatial<'_> {
        self.pool.spatial()
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }
}

impl Local for Pooled {
    fn reach(&self, input: usize) -> Reach {
        Local::reach(&self.pool, input)
    }

    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        self.pool.run_inside(inputs)
    }

    fn outside(&self) -> f64 {
        self.pool.outside()
    }
}

impl Compared for Pooled {
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        if !Self::fits(pair.here, gradient) {
            return self.pool.multipliers(pair, gradient);
        }
        let shape = pair.here.shape(0)?;
        MaxPool::shared_out(pair, gradient, |gradient, winners| self.given(shape, &Come::of(gradient), winners))
    }
}
