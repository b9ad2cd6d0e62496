//! Convolutions of blocked values in fewer products than the plain way, and their input gradients.

pub(crate) mod input_gradient;
pub(crate) mod small_maps;
pub(crate) mod winograd;
