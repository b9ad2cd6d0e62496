//! Products of values that all depend on the images, and attention, which is made of such products.

pub(super) mod attention;
pub(super) mod einsum;
pub(super) mod matmul;
pub(super) mod recurrent;
