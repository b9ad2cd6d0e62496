//! What the class activation maps have in common: a layer, its value and its gradient, and a map that is enlarged to the image.

use sweep::parameters::{ParameterError, Parameters};
use tch::{TchError, Tensor};

use crate::methods::layers::grad_cam::{LAYER, MODE, RELU};
use crate::methods::method::{Method, MethodError};
use crate::{Attribution, Pass};

/// Parameters of every class activation map.
pub(super) const PARAMETERS: [sweep::parameters::Parameter; 3] = [LAYER, RELU, MODE];

/// Map `[n, 1, h, w]` of a layer from its value and the gradient of the target logit there, both `[n, k, h, w]`.
pub(super) type Combine = fn(&Tensor, &Tensor) -> Result<Tensor, TchError>;

/// A class activation map of one layer. All channels of the map are the same.
pub(super) struct Cam {
    pub(super) place: Place,
    pub(super) combine: Combine,
}

impl Cam {
    /// Makes the method that puts a layer together by `combine`.
    pub(super) fn boxed(parameters: &Parameters, combine: Combine) -> Result<Box<dyn Method>, MethodError> {
        Ok(Box::new(Self { place: Place::from(parameters)?, combine }))
    }
}

impl Method for Cam {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let (value, gradient) = self.place.of(pass)?;
        Ok(self.place.enlarged(pass, (self.combine)(&value, &gradient)?)?.into())
    }
}

/// The layer whose map is taken, and the treatment of the map.
pub(in crate::methods) struct Place {
    layer: String,
    relu: bool,
    bilinear: bool,
}

impl Place {
    pub(in crate::methods) fn from(parameters: &Parameters) -> Result<Self, ParameterError> {
        Ok(Self {
            layer: parameters.word("layer")?.to_owned(),
            relu: parameters.boolean("relu_attributions")?,
            bilinear: parameters.word("interpolate_mode")? == "bilinear",
        })
    }

    /// Name of the layer, empty for the last map.
    pub(in crate::methods) fn layer(&self) -> &str {
        &self.layer
    }

    /// Value and gradient of the layer, `[n, k, h, w]`.
    pub(super) fn of(&self, pass: &Pass<'_>) -> Result<(Tensor, Tensor), TchError> {
        let (value, gradient) = pass.layer(&self.layer)?;
        if value.dim() != 4 {
            let (layer, shape) = (&self.layer, value.size());
            return Err(TchError::Shape(format!("layer `{layer}` gives {shape:?}, expected maps [n, c, h, w]")));
        }
        Ok((value, gradient))
    }

    /// `map` `[n, 1, h, w]` of the layer as a map of the images `[n, c, h, w]`.
    pub(in crate::methods) fn enlarged(&self, pass: &Pass<'_>, map: Tensor) -> Result<Tensor, TchError> {
        let map = if self.relu { map.f_relu()? } else { map };
        let (_, _, height, width) = pass.images().size4()?;
        let enlarged = if self.bilinear {
            map.f_upsample_bilinear2d([height, width], false, None, None)?
        } else {
            map.f_upsample_nearest2d([height, width], None, None)?
        };
        enlarged.f_expand_as(pass.images())
    }
}

/// Sum over channels of `values` `[n, k, h, w]`: `[n, 1, h, w]`.
pub(in crate::methods) fn over_channels(values: &Tensor) -> Result<Tensor, TchError> {
    values.f_sum_dim_intlist([1_i64].as_slice(), true, values.f_kind()?)
}

/// Sum over pixels of `values` `[n, k, h, w]`: `[n, k, 1, 1]`.
pub(in crate::methods) fn over_pixels(values: &Tensor) -> Result<Tensor, TchError> {
    values.f_sum_dim_intlist([2_i64, 3].as_slice(), true, values.f_kind()?)
}

/// `values` moved away from zero by `least`, each in the direction of its sign; zero counts as positive.
pub(super) fn stabilised(values: &Tensor, least: f64) -> Result<Tensor, TchError> {
    let sign = values.f_ge(0.0)?.f_to_kind(values.f_kind()?)?.f_mul_scalar(2.0)?.f_sub_scalar(1.0)?;
    values.f_add(&sign.f_mul_scalar(least)?)
}

/// A layer of two channels of 2 x 2 pixels, whose maps can be worked out by hand, and its gradient.
#[cfg(test)]
pub(super) fn by_hand() -> (Tensor, Tensor) {
    let of = |values: [f64; 8]| Tensor::from_slice(&values).view([1, 2, 2, 2]);
    (of([1.0, 0.0, 2.0, 1.0, 0.0, 3.0, 1.0, 0.0]), of([0.5, -1.0, 0.5, 1.0, -0.5, -0.5, 0.0, 0.5]))
}

/// Fails unless `map` has these values, row by row.
#[cfg(test)]
#[track_caller]
pub(super) fn assert_map(map: &Tensor, expected: [f64; 4]) {
    assert_eq!(map.size(), [1, 1, 2, 2]);
    for (at, expected) in (0..).zip(expected) {
        let found = map.double_value(&[0, 0, at / 2, at % 2]);
        assert!((found - expected).abs() < 1e-5, "pixel {at}: {found}, expected {expected}");
    }
}
