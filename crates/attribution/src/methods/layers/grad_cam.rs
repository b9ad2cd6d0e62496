//! Grad-CAM: the maps of a layer, weighted by their mean gradient.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter};
use tch::{TchError, Tensor};

use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "LayerGradCam",
        "sum of the maps of a layer, each times the mean gradient of the target logit in it, enlarged to the image",
        "Selvaraju et al. 2016, https://arxiv.org/abs/1610.02391",
    ],
    &[LAYER, RELU, MODE],
    |parameters, _| {
        Ok(Box::new(GradCam {
            layer: parameters.word("layer")?.to_owned(),
            relu: parameters.boolean("relu_attributions")?,
            bilinear: parameters.word("interpolate_mode")? == "bilinear",
        }))
    },
)
.on_the_pass()
.called(&["GradCAM", "GradCam", "gradcam", "grad_cam", "Grad-CAM"]);

/// Name of the layer whose maps are weighted.
pub(in crate::methods) const LAYER: Parameter = Parameter {
    name: Cow::Borrowed("layer"),
    summary: Cow::Borrowed(
        "module whose output is looked at (`layer4`); empty for the last one of more than one pixel, behind which a pooling and a head follow; must be named where there is none, as in transformers",
    ),
    kind: Kind::Layer,
    default: Some(Default::Word(Cow::Borrowed(""))),
};

/// Whether negative values of the map are cut.
pub(in crate::methods) const RELU: Parameter = Parameter {
    name: Cow::Borrowed("relu_attributions"),
    summary: Cow::Borrowed("whether negative sums are cut, as in the paper (Captum's default is false)"),
    kind: Kind::Boolean,
    default: Some(Default::Boolean(true)),
};

/// Parameter: the way in which the map is enlarged.
pub(in crate::methods) const MODE: Parameter = Parameter {
    name: Cow::Borrowed("interpolate_mode"),
    summary: Cow::Borrowed("how the map is enlarged: `bilinear` as in the paper, or `nearest` as Captum's default"),
    kind: Kind::Word(Cow::Borrowed(&[Cow::Borrowed("bilinear"), Cow::Borrowed("nearest")])),
    default: Some(Default::Word(Cow::Borrowed("bilinear"))),
};

/// Grad-CAM: two forward passes and a part of a backward pass. All channels of the map are the same.
pub(super) struct GradCam {
    pub(super) layer: String,
    pub(super) relu: bool,
    pub(super) bilinear: bool,
}

impl Method for GradCam {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        Ok(self.map(pass)?.into())
    }
}

impl GradCam {
    /// Maps `[n, c, h, w]`, whose channels are the same.
    pub(super) fn map(&self, pass: &Pass<'_>) -> Result<Tensor, TchError> {
        let (value, gradient) = pass.layer(&self.layer)?;
        if value.dim() != 4 {
            let (layer, shape) = (&self.layer, value.size());
            return Err(TchError::Shape(format!("layer `{layer}` gives {shape:?}, expected maps [n, c, h, w]")));
        }
        let weights = gradient.f_mean_dim([2_i64, 3].as_slice(), true, gradient.f_kind()?)?;
        let mut map = value.f_mul(&weights)?.f_sum_dim_intlist([1_i64].as_slice(), true, value.f_kind()?)?;
        if self.relu {
            map = map.f_relu()?;
        }
        let (_, _, height, width) = pass.images().size4()?;
        let enlarged = if self.bilinear {
            map.f_upsample_bilinear2d([height, width], false, None, None)?
        } else {
            map.f_upsample_nearest2d([height, width], None, None)?
        };
        enlarged.f_expand_as(pass.images())
    }
}
