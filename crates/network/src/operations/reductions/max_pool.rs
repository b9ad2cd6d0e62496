//! Max pooling.

use tch::{Kind, TchError, Tensor};

use super::windows::strides;
use crate::graph::{Compared, How, Kept, Local, Operation, Pair, Reach, Spatial};
use crate::programs::{Call, Entry, ExportError, Value, Windows};
use crate::tensors::device::dense;

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "max_pool",
    summary: "2-d max pooling, by window or adaptive; windows may overlap",
    deep_lift: "the change goes to the winner that made it (captum: plain gradient behind a ReLU, and if adaptive)",
    aten: &["aten.max_pool2d", "aten.adaptive_max_pool2d"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    if call.operator() == "adaptive_max_pool2d" {
        let size: [i64; 2] = call.need("output_size")?;
        call.few_of_image(&call.output_shape()?)?;
        return call.apply(AdaptiveMaxPool(size), &[input]);
    }
    let kernel = call.need("kernel_size")?;
    let pool = MaxPool {
        kernel,
        stride: strides(call, kernel)?,
        padding: call.get("padding", [0; 2])?,
        dilation: call.get("dilation", [1; 2])?,
        ceil: call.get("ceil_mode", false)?,
    };
    call.room_for_windows("self", Windows { stride: pool.stride, padding: pool.padding }, None)?;
    call.apply(pool, &[input])
}

/// Largest value of each window. All fields are `[down, across]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaxPool {
    pub(crate) kernel: [i64; 2],
    pub(crate) stride: [i64; 2],
    pub(crate) padding: [i64; 2],
    pub(crate) dilation: [i64; 2],
    /// Whether windows may go over the edge.
    pub(crate) ceil: bool,
}

impl MaxPool {
    fn with_winners(&self, input: &Tensor) -> Result<(Tensor, Tensor), TchError> {
        input.f_max_pool2d_with_indices(self.kernel, self.stride, self.padding, self.dilation, self.ceil)
    }

    /// `DeepLIFT`'s multipliers of a pooling that adds up a gradient at given winners by `given`.
    ///
    /// A window whose value rose owes that to the winner of the image, one whose value fell to the
    /// winner of the baseline: both changed at least as much as the window did. Shares of overlapping
    /// windows add up (Captum assigns them, so that all but one are lost).
    pub(crate) fn shared_out(
        pair: &Pair<'_>,
        gradient: &Tensor,
        given: impl Fn(&Tensor, &Tensor) -> Result<Tensor, TchError>,
    ) -> Result<Vec<Tensor>, TchError> {
        let winners = pair.here.tensor(0)?;
        let plain = given(gradient, winners)?;
        if pair.pool_is_plain {
            return Ok(vec![plain]);
        }
        let ((x, x0), (y, y0)) = (pair.inputs(0)?, pair.outputs()?);
        let change = y.f_sub(y0)?;
        let (rise, fall) = (change.f_clamp_min(0.0)?, change.f_clamp_max(0.0)?);
        let winners_there = pair.there.tensor(0)?.f_expand_as(winners)?.f_contiguous()?;
        let risen = given(&gradient.f_mul(&rise)?, winners)?;
        let fallen = given(&gradient.f_mul(&fall)?, &winners_there)?;
        let moved = x.f_sub(x0)?;
        let still = moved.f_eq(0.0)?;
        Ok(vec![plain.f_where_self(&still, &risen.f_add(&fallen)?.f_div(&moved)?)?])
    }

    /// `gradient` of each window added up at its winner, in the shape of the input `like`.
    fn given_to_winners(&self, shape: &[i64], gradient: &Tensor, winners: &Tensor) -> Result<Tensor, TchError> {
        // libtorch asks for the pooling's input but reads its shape only: these pages are never touched.
        let like = as_laid_out(winners, shape, gradient.f_kind()?)?;
        let Self { kernel, stride, padding, dilation, ceil } = *self;
        like.f_max_pool2d_with_indices_backward(&dense(gradient)?, kernel, stride, padding, dilation, ceil, winners)
    }
}

/// An empty tensor of `shape` `[n, c, h, w]` whose channels stand together where those of `pattern` do.
fn as_laid_out(pattern: &Tensor, shape: &[i64], kind: Kind) -> Result<Tensor, TchError> {
    let options = (kind, pattern.device());
    match *shape {
        [n, c, h, w] if c > 1 && pattern.stride()[1] == 1 => {
            Tensor::f_empty([n, h, w, c], options)?.f_permute([0, 3, 1, 2])
        }
        _ => Tensor::f_empty(shape, options),
    }
}

impl Operation for MaxPool {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let (output, winners) = self.with_winners(inputs[0])?;
        Ok((output, if how.keep { vec![winners] } else { Vec::new() }))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![self.given_to_winners(kept.shape(0)?, gradient, kept.tensor(0)?)?])
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }
}

impl Local for MaxPool {
    fn reach(&self, _: usize) -> Reach {
        let Self { kernel, stride, padding, dilation, .. } = *self;
        Reach::Window { kernel, stride, padding, dilation }
    }

    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        Ok(Self { padding: [0, 0], ceil: false, ..*self }.with_winners(inputs[0])?.0)
    }

    fn outside(&self) -> f64 {
        f64::NEG_INFINITY
    }
}

impl Compared for MaxPool {
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let shape = pair.here.shape(0)?;
        Self::shared_out(pair, gradient, |gradient, winners| self.given_to_winners(shape, gradient, winners))
    }
}

/// Largest value of each of so many windows, `[down, across]`.
#[derive(Clone, Copy, Debug)]
pub(in crate::operations) struct AdaptiveMaxPool(pub(in crate::operations) [i64; 2]);

impl AdaptiveMaxPool {
    fn given(gradient: &Tensor, winners: &Tensor, shape: &[i64]) -> Result<Tensor, TchError> {
        // libtorch asks for the pooling's input but reads its shape only.
        let like = Tensor::f_empty(shape, (gradient.f_kind()?, gradient.device()))?;
        like.f_adaptive_max_pool2d_backward(&gradient.f_contiguous()?, winners)
    }
}

impl Operation for AdaptiveMaxPool {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let (output, winners) = inputs[0].f_adaptive_max_pool2d(self.0)?;
        Ok((output, if how.keep { vec![winners] } else { Vec::new() }))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![Self::given(gradient, kept.tensor(0)?, kept.shape(0)?)?])
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }
}

impl Compared for AdaptiveMaxPool {
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let shape = pair.here.shape(0)?;
        if pair.captum {
            return self.backward(pair.here, gradient);
        }
        MaxPool::shared_out(pair, gradient, |gradient, winners| Self::given(gradient, winners, shape))
    }
}
