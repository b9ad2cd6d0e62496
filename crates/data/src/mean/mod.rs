//! Mean images of datasets, which methods take as baselines.
//!
//! A dataset has one file, `<means_dir>/<flag>_mean.pt`, that `torch.load` opens as a float32 tensor `[3, h, w]`: the mean of the
//! preprocessed images of the train split. Other splits and images that a config normalizes otherwise have files of their own
//! ([`Place`]), and so has each group in a config that takes the mean of the group's own images, with their noise. Users bring such files from the Python scripts; missing files are computed.

mod compute;
mod error;
mod file;
mod job;
mod mean_image;
mod of_group;
mod place;

pub use compute::compute;
pub use error::{MeanError, Misfit};
pub use file::{read, remove_leftovers, temporary_files, write};
pub use job::{Found, Job, SPLIT, find, find_of_group};
pub use mean_image::Mean;
pub use place::{Place, file_of};
