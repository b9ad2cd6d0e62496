//! Arrays of images and of labels, whatever file they lie in: shapes, and bytes that become pixels or labels.

pub(crate) mod digest;
mod images;
mod labels;
mod limits;

pub(crate) use images::{Channels, Images, channels_last};
pub(crate) use labels::{none as no_labels, of as read_labels};
pub(crate) use limits::MAX_LABELS;
