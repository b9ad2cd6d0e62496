//! Place of a mean image.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sweep::preprocessing::Normalize;

/// Place of the mean image of a dataset, of its images as some models want them.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Folder of mean images.
    pub folder: &'a Path,
    /// Name of the dataset.
    pub flag: &'a str,
    /// Normalization of the images; `None` means that of the dataset's format.
    pub normalize: Option<&'a Normalize>,
}

impl Place<'_> {
    /// Path of the file: `<flag>_mean.pt`. Images that are normalized otherwise have another mean image, whose name tells so.
    pub fn file(&self) -> PathBuf {
        let Self { folder, flag, normalize } = self;
        let Some(normalize) = normalize else { return folder.join(format!("{flag}_mean.pt")) };
        let numbers = serde_json::to_vec(normalize).unwrap_or_default();
        folder.join(format!("{flag}_normalized_{}_mean.pt", &hex::encode(Sha256::digest(numbers))[..8]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_that_are_normalized_otherwise_have_a_mean_image_of_their_own() {
        let of = |normalize| Place { folder: Path::new("means"), flag: "a", normalize }.file();
        assert_eq!(of(None), Path::new("means/a_mean.pt"));
        let (first, second) = (Normalize::new(vec![0.485], vec![0.229]), Normalize::new(vec![0.485], vec![0.228]));
        assert_ne!(of(Some(&first)), of(Some(&second)));
        assert_eq!(of(Some(&first)), of(Some(&first)));
        assert!(of(Some(&first)).to_string_lossy().starts_with("means/a_normalized_"));
    }
}
