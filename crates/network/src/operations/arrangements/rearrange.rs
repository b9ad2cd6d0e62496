//! Values in other places, some of them several times: linear, and libtorch knows the way back.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation, Size, Spatial, copied};
use crate::operations::gradients::linear_gradient;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "rearrange",
    summary: "values in other places: shuffled pixels and channels, flips, gathered channels, repetitions, patches and what is folded of them",
    deep_lift: "linear",
    aten: &[
        "aten.pixel_shuffle",
        "aten.pixel_unshuffle",
        "aten.channel_shuffle",
        "aten.native_channel_shuffle",
        "aten.flip",
        "aten.index",
        "aten.index_select",
        "aten.repeat",
        "aten.tile",
        "aten.repeat_interleave",
        "aten.im2col",
        "aten.col2im",
        "aten.unfold",
    ],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    let arrangement = match call.operator() {
        "pixel_shuffle" => Arrangement::Shuffle(call.need("upscale_factor")?),
        "pixel_unshuffle" => Arrangement::Unshuffle(call.need("downscale_factor")?),
        "flip" => Arrangement::Flip(call.dims("self", &call.need::<Vec<i64>>("dims")?)?),
        "repeat" | "tile" => return repeated(call, input),
        "repeat_interleave" => {
            let times = call.need("repeats")?;
            call.room("self", &[times])?;
            // Without a dimension images would be in one row with all others.
            let dim = call.optional("dim")?.ok_or_else(|| call.fault("dim", "expected a dimension"))?;
            Arrangement::Interleave { times, dim: call.dims("self", &[dim])?[0] }
        }
        "im2col" => {
            let kernel: [i64; 2] = call.need("kernel_size")?;
            call.room("self", &kernel)?;
            let (dilation, padding) = (call.get("dilation", [1; 2])?, call.get("padding", [0; 2])?);
            Arrangement::Unfolded(Patches { kernel, dilation, padding, stride: call.get("stride", [1; 2])? })
        }
        "col2im" => {
            let size: [i64; 2] = call.need("output_size")?;
            call.few_of_image(&size.map(Size::Fixed))?;
            let (dilation, padding) = (call.get("dilation", [1; 2])?, call.get("padding", [0; 2])?);
            let (kernel, stride) = (call.need("kernel_size")?, call.get("stride", [1; 2])?);
            Arrangement::Folded { size, patches: Patches { kernel, dilation, padding, stride } }
        }
        "index_select" => {
            let (dim, index) = (call.dim("dim", 0)?, call.constant("index")?);
            Arrangement::Take { dim, index: copied(&index)? }
        }
        "index" => return indexed(call, &input),
        "unfold" => {
            call.few_of_image(&call.output_shape()?)?;
            let dim = call.dims("self", &[call.need("dimension")?])?[0];
            Arrangement::Windows { dim, size: call.need("size")?, step: call.need("step")? }
        }
        _ => Arrangement::Groups(call.need("groups")?),
    };
    call.apply(arrangement, &[input])
}

/// `x[:, [2, 1, 0]]`: one list of places along one dimension that is not the images'. A table of weights takes any.
fn indexed(call: &mut Call<'_>, input: &Value) -> Result<Value, ExportError> {
    let indices = call.optional_values("indices")?;
    if indices.iter().flatten().any(|index| index.tensor().is_none()) {
        return Err(call.fault("indices", "depend on the images; expected constants"));
    }
    let places: Vec<Option<&Tensor>> = indices.iter().map(|index| index.as_ref().and_then(Value::tensor)).collect();
    if let Some(table) = input.tensor() {
        return Ok(table.f_index(&places)?.into());
    }
    let given: Vec<usize> = (0..places.len()).filter(|at| places[*at].is_some()).collect();
    let [dim] = given[..] else {
        return Err(call.fault("indices", "expected places along one dimension"));
    };
    let place = places[dim].filter(|place| place.dim() == 1 && place.f_kind().ok() == Some(tch::Kind::Int64));
    let index = place.ok_or_else(|| call.fault("indices", "expected a list of whole numbers"))?;
    call.apply(Arrangement::Take { dim: dim as i64, index: copied(index)? }, std::slice::from_ref(input))
}

/// The images themselves are never repeated; a weight may be, for each of them.
fn repeated(call: &mut Call<'_>, input: Value) -> Result<Value, ExportError> {
    let shape = call.output_shape()?;
    let (Some(tensor), Some(Size::Images(1))) = (input.tensor(), shape.first()) else {
        let times: Vec<i64> = call.need(if call.operator() == "tile" { "dims" } else { "repeats" })?;
        call.room("self", &times)?;
        return call.apply(Arrangement::Repeat(times), &[input]);
    };
    // The shape tells how often: sizes of the weight are filled up with ones in front.
    let sizes = tensor.size();
    let mut own = vec![1; shape.len().saturating_sub(sizes.len())];
    own.extend(&sizes);
    let times = |(size, own): (&Size, &i64)| match size {
        Size::Fixed(size) if *own > 0 && size % own == 0 => Some(size / own),
        Size::Images(1) if *own == 1 => Some(1),
        _ => None,
    };
    let times: Option<Vec<i64>> = shape.iter().zip(&own).map(times).collect();
    let times = times.ok_or_else(|| call.fault("repeats", "a weight is repeated for each image in front only"))?;
    call.room("self", &times)?;
    let row = tensor.f_repeat(&times)?;
    call.push(super::expand::Expand { shape }, &[row.into()])
}

/// New places of values.
#[derive(Debug)]
enum Arrangement {
    /// Channels become pixels, so many along each axis.
    Shuffle(i64),
    /// Pixels become channels.
    Unshuffle(i64),
    /// Channels of so many groups change places.
    Groups(i64),
    /// The other way round along these dimensions.
    Flip(Vec<i64>),
    /// The values at `index`, `[k]`, of dimension `dim`.
    Take { dim: i64, index: Tensor },
    /// Repetition of all values along each dimension, by these numbers of times.
    Repeat(Vec<i64>),
    /// Repetition of each value along `dim`, `times` times in a row.
    Interleave { times: i64, dim: i64 },
    /// Windows of so many values along one dimension, each in a new last dimension.
    Windows { dim: i64, size: i64, step: i64 },
    /// The windows of a convolution, `[n, values, windows]`.
    Unfolded(Patches),
    /// Windows of an unfolded map, added up where they lie over one another in a map of `size`.
    Folded { size: [i64; 2], patches: Patches },
}

/// The windows of a convolution; all `[down, across]`.
#[derive(Clone, Copy, Debug)]
struct Patches {
    kernel: [i64; 2],
    dilation: [i64; 2],
    padding: [i64; 2],
    stride: [i64; 2],
}

impl Arrangement {
    fn of(&self, input: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Shuffle(factor) => input.f_pixel_shuffle(*factor),
            Self::Unshuffle(factor) => input.f_pixel_unshuffle(*factor),
            Self::Groups(groups) => {
                let (n, channels, height, width) = input.size4()?;
                let within =
                    channels.checked_div(*groups).ok_or_else(|| TchError::Shape("channels in 0 groups".to_owned()))?;
                input
                    .f_reshape([n, *groups, within, height, width])?
                    .f_transpose(1, 2)?
                    .f_reshape([n, channels, height, width])
            }
            Self::Flip(dims) => input.f_flip(dims.as_slice()),
            Self::Take { dim, index } => {
                let mut places: Vec<Option<&Tensor>> = vec![None; *dim as usize];
                places.push(Some(index));
                input.f_index(&places)
            }
            Self::Repeat(times) => input.f_repeat(times.as_slice()),
            Self::Interleave { times, dim } => input.f_repeat_interleave_self_int(*times, *dim, None),
            Self::Windows { dim, size, step } => input.f_unfold(*dim, *size, *step),
            Self::Unfolded(Patches { kernel, dilation, padding, stride }) => {
                input.f_im2col(kernel, dilation, padding, stride)
            }
            Self::Folded { size, patches: Patches { kernel, dilation, padding, stride } } => {
                input.f_col2im(size, kernel, dilation, padding, stride)
            }
        }
    }
}

impl Operation for Arrangement {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((self.of(inputs[0])?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        linear_gradient(kept, gradient, |x| self.of(x))
    }

    fn spatial(&self) -> Spatial<'_> {
        match self {
            Self::Groups(_) | Self::Shuffle(_) | Self::Unshuffle(_) | Self::Take { dim: 1, .. } => Spatial::Kept,
            _ => Spatial::Lost,
        }
    }
}
