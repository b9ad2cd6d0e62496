//! `mean_of`: whose mean the mean image is.

use crate::config::search_space::Split;

/// Images whose mean is the mean image that variants take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeanOf {
    /// The images of this split of the dataset, without noise.
    Split(Split),
    /// The images of the group itself, with their noise.
    Group,
}

/// Words of `mean_of`.
pub(in crate::config) const MEANS: &[(&str, MeanOf)] = &[
    ("train", MeanOf::Split(Split::Train)),
    ("val", MeanOf::Split(Split::Val)),
    ("test", MeanOf::Split(Split::Test)),
    ("group", MeanOf::Group),
];

impl MeanOf {
    /// The images in words.
    pub fn meaning(self) -> String {
        match self {
            Self::Split(split) => format!("of the split `{}`", split.name()),
            Self::Group => "of each group's own images, with their noise".to_owned(),
        }
    }
}
