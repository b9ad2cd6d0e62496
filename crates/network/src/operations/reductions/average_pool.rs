//! Average pooling, with windows of one size or as many as are asked for.

use tch::{TchError, Tensor};

use super::windows::strides;
use crate::graph::{How, Kept, Local, Operation, Reach, Spatial};
use crate::operations::gradients::linear_gradient;
use crate::programs::{Call, Entry, ExportError, Value, Windows};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "average_pool",
    summary: "average pooling, 2-d by window or adaptive, and over neighbouring channels as local response norms have it",
    deep_lift: "linear",
    aten: &["aten.avg_pool2d", "aten.adaptive_avg_pool2d", "aten._adaptive_avg_pool2d", "aten.avg_pool3d"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    if call.operator() == "avg_pool3d" {
        return over_channels(call, &input);
    }
    if call.operator() != "avg_pool2d" {
        call.few_of_image(&call.output_shape()?)?;
        let windows = AveragePool::Adaptive(call.need("output_size")?);
        return call.apply(windows, &[input]);
    }
    let kernel = call.need("kernel_size")?;
    let (stride, padding) = (strides(call, kernel)?, call.get("padding", [0; 2])?);
    call.room_for_windows("self", Windows { stride, padding }, None)?;
    let pool = AveragePool::Windows {
        kernel,
        stride,
        padding,
        ceil: call.get("ceil_mode", false)?,
        count_padding: call.get("count_include_pad", true)?,
        divisor: call.optional("divisor_override")?,
    };
    call.apply(pool, &[input])
}

/// The only pooling in three dimensions that networks of pictures have: over channels that are neighbours, in steps of one.
fn over_channels(call: &mut Call<'_>, input: &Value) -> Result<Value, ExportError> {
    let kernel: Vec<i64> = call.need("kernel_size")?;
    let stride: Vec<i64> = call.get("stride", Vec::new())?;
    let padding: Vec<i64> = call.get("padding", vec![0])?;
    let steps = stride.iter().all(|step| *step == 1) && !stride.is_empty();
    let plain = padding.iter().all(|amount| *amount == 0) && call.optional::<i64>("divisor_override")?.is_none();
    match kernel[..] {
        [channels, 1, 1] if steps && plain => call.apply(Neighbours { channels }, std::slice::from_ref(input)),
        _ => Err(call.unsupported()),
    }
}

/// Mean of each window of `channels` values along dimension 2 of `[n, 1, c, h, w]`.
#[derive(Clone, Copy, Debug)]
struct Neighbours {
    channels: i64,
}

impl Neighbours {
    fn of(self, x: &Tensor) -> Result<Tensor, TchError> {
        x.f_avg_pool3d([self.channels, 1, 1], [1, 1, 1], [0, 0, 0], false, true, None)
    }
}

impl Operation for Neighbours {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((self.of(inputs[0])?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        linear_gradient(kept, gradient, |x| self.of(x))
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}

/// Mean of each window.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AveragePool {
    /// Windows of a pool; all numbers are `[down, across]`.
    Windows {
        kernel: [i64; 2],
        stride: [i64; 2],
        padding: [i64; 2],
        /// Whether windows may go over the edge.
        ceil: bool,
        /// Whether padded zeros count.
        count_padding: bool,
        /// Divisor of the sums, if it is not the number of values.
        divisor: Option<i64>,
    },
    /// A given number of windows, `[down, across]`.
    Adaptive([i64; 2]),
}

impl Operation for AveragePool {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let output = match *self {
            Self::Windows { kernel, stride, padding, ceil, count_padding, divisor } => {
                inputs[0].f_avg_pool2d(kernel, stride, padding, ceil, count_padding, divisor)?
            }
            Self::Adaptive(windows) => inputs[0].f_adaptive_avg_pool2d(windows)?,
        };
        Ok((output, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let shape = kept.shape(0)?;
        // libtorch asks for the pooling's input but reads its shape only.
        let like = || Tensor::f_empty(shape, (gradient.f_kind()?, gradient.device()));
        let of_input = match *self {
            Self::Windows { kernel, stride, padding, ceil, count_padding, divisor } => like()?.f_avg_pool2d_backward(
                &gradient.f_contiguous()?,
                kernel,
                stride,
                padding,
                ceil,
                count_padding,
                divisor,
            )?,
            Self::Adaptive([1, 1]) => {
                let [height, width] = kept.area(0)?;
                gradient.f_div_scalar(height * width)?.f_expand(shape, false)?
            }
            Self::Adaptive(_) => like()?.f_internal_adaptive_avg_pool2d_backward(&gradient.f_contiguous()?)?,
        };
        Ok(vec![of_input])
    }

    /// Whether the picture is kept: an adaptive pool may repeat a pixel to come to its number of windows, and loses the
    /// picture.
    fn spatial(&self) -> Spatial<'_> {
        if matches!(self, Self::Windows { .. }) { Spatial::Kept } else { Spatial::Lost }
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }
}

impl Local for AveragePool {
    /// A pooling that divides by the number of pixels inside, or whose windows may go over the edge, is not cut into pieces.
    fn reach(&self, _: usize) -> Reach {
        match *self {
            Self::Windows { kernel, stride, padding, ceil: false, count_padding: true, .. } => {
                Reach::Window { kernel, stride, padding, dilation: [1, 1] }
            }
            _ => Reach::Everywhere,
        }
    }

    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        let mut inside = *self;
        if let Self::Windows { padding, .. } = &mut inside {
            *padding = [0, 0];
        }
        Ok(inside.run(inputs, How::FORWARD)?.0)
    }
}
