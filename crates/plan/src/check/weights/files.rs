//! Files of weights: where the file of a model and a dataset lies.

use std::fmt;
use std::path::{Path, PathBuf};

use sweep::config::Config;

/// Extensions of weights files, in the order in which they are looked for.
const EXTENSIONS: [&str; 4] = ["pth", "pt", "safetensors", PROGRAM];

/// Extension of exported programs: they bring their architecture, so that their names are free.
pub(super) const PROGRAM: &str = "pt2";

/// Extension of the index of weights that lie in several files.
const INDEX: &str = "safetensors.index.json";

/// Name of the dataset whose weights torchvision publishes.
const IMAGENET: &str = "imagenet";

/// Hexadecimal digits of the digest in torchvision's file names.
const DIGEST: usize = 8;

/// Reason for which a model has no file of weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    /// There is no file; one was expected here.
    Expected(PathBuf),
    /// Several files by torchvision's names would do.
    Several(Vec<PathBuf>),
    /// There is an index of weights that lie in several files.
    Sharded(PathBuf),
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(file) => write!(f, "there are no weights at `{}`", file.display()),
            Self::Several(files) => {
                let files: Vec<String> = files.iter().map(|file| format!("`{}`", file.display())).collect();
                write!(f, "found {}, expected one of them", files.join(" and "))
            }
            Self::Sharded(index) => {
                let whole = index.with_extension("").with_extension("");
                let (index, whole) = (index.display(), whole.display());
                write!(
                    f,
                    "`{index}` is the index of weights in several files, expected one file; join them in Python: \
                     `import json, pathlib; from safetensors.torch import load_file, save_file`, \
                     `index = pathlib.Path(\"{index}\")`, \
                     `parts = set(json.loads(index.read_text())[\"weight_map\"].values())`, then \
                     `save_file({{name: tensor for part in parts for name, tensor in \
                     load_file(index.parent / part).items()}}, \"{whole}\")`"
                )
            }
        }
    }
}

/// Finds the weights of `model` for dataset `flag`, whatever their format.
pub fn find(config: &Config, flag: &str, model: &str) -> Result<PathBuf, Absent> {
    locate(config, flag, model, true)
}

/// Finds `weights_<flag>/<model>_<size>_1.pth`, or a file by torchvision's name, `<model>-<8 hexadecimal digits>.pth`. For a model
/// that is not `known` only an exported program will do.
pub(super) fn locate(config: &Config, flag: &str, model: &str, known: bool) -> Result<PathBuf, Absent> {
    let (paths, size) = (&config.paths, config.search_space.image_size);
    let folder = paths.weights_root.join(format!("weights_{flag}"));
    let own = paths.imagenet_weights.as_ref().filter(|root| flag == IMAGENET || **root == paths.weights_root);
    let of_torchvision = |folder: &Path| if known { torchvision(folder, model) } else { Ok(None) };
    if let Some(file) = own.map(|root| of_torchvision(root)).transpose()?.flatten() {
        return Ok(file);
    }
    let candidates = EXTENSIONS.map(|extension| (extension, folder.join(format!("{model}_{size}_1.{extension}"))));
    let fitting = candidates.iter().filter(|(extension, _)| known || *extension == PROGRAM);
    if let Some(file) = fitting.map(|(_, file)| file).find(|file| file.is_file()) {
        return Ok(file.clone());
    }
    let beside = (flag == IMAGENET).then_some(&paths.weights_root);
    for folder in [Some(&folder), beside].into_iter().flatten() {
        if let Some(file) = of_torchvision(folder)? {
            return Ok(file);
        }
    }
    let index = folder.join(format!("{model}_{size}_1.{INDEX}"));
    if known && index.is_file() {
        return Err(Absent::Sharded(index));
    }
    let expected = own.filter(|_| known).map(|root| root.join(format!("{model}-<digest>.pth")));
    Err(Absent::Expected(expected.unwrap_or_else(|| candidates[0].1.clone())))
}

/// The file of `model` by torchvision's name in `folder`. Several such files are a mistake: nobody knows which one is meant.
fn torchvision(folder: &Path, model: &str) -> Result<Option<PathBuf>, Absent> {
    let fits = |name: &str| {
        let digest = name.strip_prefix(model).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".pth"));
        digest.is_some_and(|digest| digest.len() == DIGEST && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_str().is_some_and(fits));
    let mut files: Vec<PathBuf> = named.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    if files.len() > 1 { Err(Absent::Several(files)) } else { Ok(files.pop()) }
}

#[cfg(test)]
mod tests {
    use sweep::problem::Problems;

    use super::*;

    const FILE: &str = "resnet18-f37072fd.pth";

    fn config(root: &Path, paths: &str) -> Config {
        let (root, name) = (root.display().to_string(), Path::new("c.yml"));
        let text = format!("paths: {{{paths}}}\nsearch_space: {{image_size: 64}}\n").replace("ROOT", &root);
        Config::parse(name, &text, &mut Problems::new(name)).unwrap()
    }

    /// The files under a new folder, the roots of a config, and what is found there for dataset `flag`.
    fn found(files: &[&str], paths: &str, flag: &str, known: bool) -> Result<String, String> {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            std::fs::create_dir_all(root.path().join(file).parent().unwrap()).unwrap();
            std::fs::write(root.path().join(file), "").unwrap();
        }
        let below = |text: String| text.replace(&format!("{}/", root.path().display()), "");
        let found = locate(&config(root.path(), paths), flag, "resnet18", known);
        found.map(|file| below(file.display().to_string())).map_err(|absent| below(absent.to_string()))
    }

    #[test]
    fn a_file_is_found_by_our_name_and_else_by_that_of_torchvision() {
        let of_flag = format!("w/weights_a/{FILE}");
        let (own, roots) = ("w/weights_a/resnet18_64_1.safetensors", "weights_root: ROOT/w");
        assert_eq!(found(&[&of_flag], roots, "a", true), Ok(of_flag.clone()));
        assert_eq!(found(&[&of_flag, own], roots, "a", true), Ok(own.to_owned()));
        let elsewhere = format!("w/{FILE}");
        let none = Err("there are no weights at `w/weights_a/resnet18_64_1.pth`".to_owned());
        assert_eq!(found(&[&elsewhere], roots, "a", true), none);
        assert_eq!(found(&[&elsewhere], roots, "imagenet", true), Ok(elsewhere));
        // Another model, another digest, another kind of file.
        let others =
            ["resnet182-f37072fd.pth", "resnet18-f37072f.pth", "resnet18-f37072fg.pth", "resnet18-f37072fd.txt"];
        let others = others.map(|name| format!("w/weights_a/{name}"));
        assert_eq!(found(&others.each_ref().map(String::as_str), roots, "a", true), none);
        // The file of a model that no build knows would be of no use.
        assert_eq!(found(&[&of_flag], roots, "a", false), none);
    }

    #[test]
    fn several_files_by_the_names_of_torchvision_are_told_with_their_names() {
        let files = ["w/weights_a/resnet18-f37072fd.pth", "w/weights_a/resnet18-5c106cde.pth"];
        let told = found(&files, "weights_root: ROOT/w", "a", true);
        assert_eq!(told, Err(format!("found `{}` and `{}`, expected one of them", files[1], files[0])));
    }

    #[test]
    fn weights_in_several_files_are_told_with_the_lines_that_join_them() {
        let index = "w/weights_a/resnet18_64_1.safetensors.index.json";
        let told = found(&[index, "w/weights_a/model-00001-of-00002.safetensors"], "weights_root: ROOT/w", "a", true);
        let told = told.unwrap_err();
        assert!(told.starts_with(&format!("`{index}` is the index of weights in several files")), "{told}");
        assert!(
            told.ends_with("load_file(index.parent / part).items()}, \"w/weights_a/resnet18_64_1.safetensors\")`"),
            "{told}"
        );
        let whole = "w/weights_a/resnet18_64_1.safetensors".to_owned();
        assert_eq!(found(&[index, &whole], "weights_root: ROOT/w", "a", true), Ok(whole));
    }

    #[test]
    fn the_folder_of_imagenet_counts_for_imagenet_and_alone_for_every_dataset() {
        let (file, of_flag) = (format!("i/{FILE}"), format!("w/weights_imagenet/{FILE}"));
        let (both, alone) = ("weights_root: ROOT/w, imagenet_weights_root: ROOT/i", "imagenet_weights_root: ROOT/i");
        assert_eq!(found(&[&file, &of_flag], both, "imagenet", true), Ok(file.clone()));
        assert_eq!(found(&[&of_flag], both, "imagenet", true), Ok(of_flag.clone()));
        assert!(found(&[&file], both, "a", true).is_err());
        assert_eq!(found(&[&file], alone, "a", true), Ok(file));
        let told = "there are no weights at `i/resnet18-<digest>.pth`";
        assert_eq!(found(&[], alone, "a", true), Err(told.to_owned()));
    }
}
