//! Maps made larger or smaller by interpolation.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation, Size, Spatial};
use crate::operations::gradients::linear_gradient;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "upsample",
    summary: "interpolation of maps: nearest, bilinear, bicubic; the last two with antialiasing too",
    deep_lift: "linear",
    aten: &[
        "aten.upsample_nearest2d",
        "aten._upsample_nearest_exact2d",
        "aten.upsample_bilinear2d",
        "aten._upsample_bilinear2d_aa",
        "aten.upsample_bicubic2d",
        "aten._upsample_bicubic2d_aa",
    ],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("input").or_else(|_| call.value("self"))?;
    let [.., Size::Fixed(height), Size::Fixed(width)] = call.output_shape()?[..] else {
        return Err(call.fault("output_size", "depends on the images' size; export the program for one size"));
    };
    call.few_of_image(&call.output_shape()?)?;
    let aligned = call.get("align_corners", false)?;
    let kind = match call.operator() {
        "upsample_bilinear2d" => Interpolation::Bilinear { aligned },
        "_upsample_bilinear2d_aa" => Interpolation::BilinearSmoothed { aligned },
        "upsample_bicubic2d" => Interpolation::Bicubic { aligned },
        "_upsample_bicubic2d_aa" => Interpolation::BicubicSmoothed { aligned },
        "_upsample_nearest_exact2d" => Interpolation::NearestExact,
        _ => Interpolation::Nearest,
    };
    let factors: Vec<f64> = call.get("scale_factors", Vec::new())?;
    let factor = |axis: usize| factors.get(axis).copied();
    call.apply(Upsample { kind, size: [height, width], factors: [factor(0), factor(1)] }, &[input])
}

#[derive(Clone, Copy, Debug)]
enum Interpolation {
    Nearest,
    /// Nearest pixel, by the middle of each pixel.
    NearestExact,
    Bilinear {
        aligned: bool,
    },
    /// Over as many pixels as become one.
    BilinearSmoothed {
        aligned: bool,
    },
    Bicubic {
        aligned: bool,
    },
    BicubicSmoothed {
        aligned: bool,
    },
}

/// Interpolation to `[height, width]`.
#[derive(Clone, Copy, Debug)]
struct Upsample {
    kind: Interpolation,
    size: [i64; 2],
    /// Ratios of the sizes, where the program gives them: they are not always whole.
    factors: [Option<f64>; 2],
}

impl Upsample {
    fn of(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let (size, [down, across]) = (self.size, self.factors);
        match self.kind {
            Interpolation::Nearest => x.f_upsample_nearest2d(size, down, across),
            Interpolation::NearestExact => x.f_internal_upsample_nearest_exact2d(size, down, across),
            Interpolation::Bilinear { aligned } => x.f_upsample_bilinear2d(size, aligned, down, across),
            Interpolation::BilinearSmoothed { aligned } => {
                x.f_internal_upsample_bilinear2d_aa(size, aligned, down, across)
            }
            Interpolation::Bicubic { aligned } => x.f_upsample_bicubic2d(size, aligned, down, across),
            Interpolation::BicubicSmoothed { aligned } => {
                x.f_internal_upsample_bicubic2d_aa(size, aligned, down, across)
            }
        }
    }
}

impl Operation for Upsample {
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
