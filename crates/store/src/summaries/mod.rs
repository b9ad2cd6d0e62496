//! Numbers over many images of a store.

mod accuracy;
mod completeness;
pub(crate) mod mean_images;

pub use accuracy::{Accuracy, predicted};
pub use completeness::Completeness;
pub use mean_images::write_means;
