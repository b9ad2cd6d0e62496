//! Pictures: JPEG and PNG files as images of one size, as torchvision makes them of PIL's images.
//!
//! `Image.open(file).convert("RGB")`, `Resize`, `CenterCrop`. A file is told by its first bytes and not by its name, as PIL does it;
//! the orientation that a camera notes (EXIF) is left alone, as torchvision does it.

mod budget;
mod canvas;
mod decode;
mod geometry;
mod jpeg;
mod png;
mod resample;

pub(crate) use budget::{FILES, Taken};
pub(crate) use decode::decode_all;
pub(crate) use geometry::Geometry;
