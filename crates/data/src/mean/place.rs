//! Place of a mean image.

use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest, Sha256};
use sweep::config::{Config, MeanOf};
use sweep::fingerprint;
use sweep::group::Group;
use sweep::preprocessing::Normalize;

/// Place of the mean image of a split of a dataset, of its images as some models want them.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Folder of mean images.
    pub folder: &'a Path,
    /// Name of the dataset.
    pub flag: &'a str,
    /// Split of the images.
    pub split: &'static str,
    /// Split of which the script of the config's reference experiment makes the file `<flag>_mean.pt`.
    pub usual: &'static str,
    /// Normalization of the images; `None` means that of the dataset's format.
    pub normalize: Option<&'a Normalize>,
}

impl<'a> Place<'a> {
    /// Place of the mean image of dataset `flag`, of its images as `model` wants them; `None` where `config` wants mean images of
    /// groups.
    pub fn of(config: &'a Config, flag: &'a str, model: &str) -> Option<Self> {
        let MeanOf::Split(split) = config.settings.mean_of else { return None };
        let usual = config.reference.map(|reference| reference.experiment.mean_of);
        let usual = if let Some(MeanOf::Split(split)) = usual { split.name() } else { super::SPLIT };
        let normalize = config.settings.normalize.of(flag, model);
        Some(Self { folder: &config.paths.means_dir, flag, split: split.name(), usual, normalize })
    }

    /// Path of the file that is read: the one that [`Job`](super::Job) writes, or else the file of the scripts, if it is
    /// [taken](Self::taken).
    pub fn file(&self) -> PathBuf {
        self.taken().unwrap_or_else(|| self.own())
    }

    /// File of the scripts, `<flag>_mean.pt`, where it is there and is taken for the mean image of another split than the train split:
    /// the script of the reference experiment makes it of that split, and the file whose name has the split is not there.
    pub fn taken(&self) -> Option<PathBuf> {
        let Self { folder, flag, split, usual, normalize } = self;
        let bare = folder.join(format!("{flag}_mean.pt"));
        let of_script = split == usual && *split != super::SPLIT && normalize.is_none();
        (of_script && !self.own().exists() && bare.exists()).then_some(bare)
    }

    /// Path of the file that is written: `<flag>_mean.pt` for the train split. The mean image of another split, or of images that are
    /// normalized otherwise, is another image, whose name tells so. So does the name for the train split where the script makes
    /// `<flag>_mean.pt` of another one.
    pub fn own(&self) -> PathBuf {
        let Self { folder, flag, split, usual, normalize } = self;
        let split = if [split, usual] == [&super::SPLIT; 2] { String::new() } else { format!("_split-{split}") };
        let numbers = |normalize: &&Normalize| serde_json::to_vec(normalize).unwrap_or_default();
        let digest = |numbers: Vec<u8>| format!("_normalized_{}", &hex::encode(Sha256::digest(numbers))[..8]);
        let normalized = normalize.as_ref().map(numbers).map_or_else(String::new, digest);
        folder.join(format!("{flag}{split}{normalized}_mean.pt"))
    }
}

/// Path of the mean image that the variants of `group` take.
pub fn file_of(config: &Config, group: &Group) -> PathBuf {
    let place = Place::of(config, &group.dataset, &group.model);
    place.map_or_else(|| of_group(&config.paths.means_dir, group), |place| place.file())
}

/// Path of the mean image of the images of `group` with their noise. The name has a digest of all that these images depend on.
pub(super) fn of_group(folder: &Path, group: &Group) -> PathBuf {
    let facts = json!({
        "data": group.input.data,
        "images": group.images,
        "shape": group.shape,
        "preprocessing": group.preprocessing,
        "noise": [json!(group.noise.kind), json!(group.noise.parameters)],
        "seed": group.numerics.seed,
    });
    let (flag, noise, split, digest) = (&group.dataset, &group.noise.name, &group.split, fingerprint::digest(&facts));
    folder.join(format!("{flag}_noise-{noise}_split-{split}_{}_mean.pt", &digest[..8]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(folder: &'a Path, [split, usual]: [&'static str; 2]) -> Place<'a> {
        Place { folder, flag: "a", split, usual, normalize: None }
    }

    fn file(split: &'static str, normalize: Option<&Normalize>) -> String {
        Place { normalize, ..of(Path::new("means"), [split, "train"]) }.file().display().to_string()
    }

    #[test]
    fn images_that_are_normalized_otherwise_have_a_mean_image_of_their_own() {
        assert_eq!(file("train", None), "means/a_mean.pt");
        let (first, second) = (Normalize::new(vec![0.485], vec![0.229]), Normalize::new(vec![0.485], vec![0.228]));
        assert_ne!(file("train", Some(&first)), file("train", Some(&second)));
        assert_eq!(file("train", Some(&first)), file("train", Some(&first)));
        assert!(file("train", Some(&first)).starts_with("means/a_normalized_"));
    }

    #[test]
    fn a_file_that_is_written_has_the_same_name_under_every_reference_or_another_image() {
        let own = |splits| of(Path::new("means"), splits).own().display().to_string();
        assert_eq!(own(["train", "train"]), "means/a_mean.pt");
        assert_eq!([own(["val", "val"]), own(["val", "train"])], ["means/a_split-val_mean.pt"; 2]);
        assert_eq!(own(["train", "val"]), "means/a_split-train_mean.pt");
    }

    #[test]
    fn the_file_of_a_script_is_taken_where_the_script_makes_it_of_that_split_and_the_split_has_no_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let [bare, own] = ["a_mean.pt", "a_split-val_mean.pt"].map(|name| folder.path().join(name));
        let script = of(folder.path(), ["val", "val"]);
        assert_eq!((script.taken(), script.file()), (None, own.clone()));
        std::fs::write(&bare, b"").unwrap();
        assert_eq!((script.taken(), script.file()), (Some(bare.clone()), bare.clone()));
        let numbers = Normalize::new(vec![0.1], vec![0.2]);
        let others = [of(folder.path(), ["val", "train"]), Place { normalize: Some(&numbers), ..script }];
        assert_eq!(others.map(|place| place.taken()), [None, None]);
        assert_eq!(of(folder.path(), ["train", "train"]).taken(), None);
        std::fs::write(&own, b"").unwrap();
        assert_eq!((script.taken(), script.file()), (None, own));
    }

    #[test]
    fn another_split_than_the_usual_one_has_a_mean_image_of_its_own() {
        assert_eq!(file("val", None), "means/a_split-val_mean.pt");
        assert!(file("val", Some(&Normalize::new(vec![0.1], vec![0.2]))).starts_with("means/a_split-val_normalized_"));
    }

    #[test]
    fn a_group_has_the_mean_image_of_all_models_that_see_the_same_images() {
        let group = testkit::group::group;
        let name = |group: Group| of_group(Path::new("means"), &group).display().to_string();
        let first = name(group().build());
        assert!(first.starts_with("means/d_noise-clean_split-test_") && first.ends_with("_mean.pt"), "{first}");
        assert_eq!(name(group().model("other", "o.pth").store("o.zarr").build()), first);
        for other in [
            group().images(999, 64).build(),
            group().shape([1, 8, 8]).build(),
            group().content(json!(["another file"])).build(),
        ] {
            assert_ne!(name(other), first);
        }
    }
}
