//! Arrays of NumPy: `.npz` archives of `.npy` arrays, read as data.

mod element;
mod npy;
mod npz;

pub(crate) use element::Element;
pub(crate) use npz::Member;
