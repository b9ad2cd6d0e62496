//! Arrays of NumPy: `.npz` archives of `.npy` arrays, and `.npy` arrays alone, read as data.

mod element;
mod npy;
mod npz;

pub(crate) use element::{EXPECTED, Element};
pub(crate) use npz::Member;
