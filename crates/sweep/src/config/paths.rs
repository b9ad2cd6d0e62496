//! `paths`: folders that are read and written. Relative paths start at the working folder.

use std::path::{Path, PathBuf};

use crate::yaml::{Fields, read};

/// The folders of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// Folder of the files of weights, `weights_<flag>/<model>_<size>_1.pth`.
    pub weights_root: PathBuf,
    /// Key under which the config has `weights_root`, for messages.
    pub weights_key: &'static str,
    /// Folder of weights of ImageNet by torchvision's file names, `<model>-<8 hexadecimal digits>.pth`, where the config names one.
    pub imagenet_weights: Option<PathBuf>,
    /// Folders of the stores whose images, labels and predictions are taken, where a config names some.
    pub bases: Bases,
    /// Folder of the datasets, `<flag>_<size>.npz`, or `<flag>.npz` for 28 px; the Zarr itself where the config has `input_zarr_path`.
    pub data_root: PathBuf,
    /// Key under which the config has `data_root`, for messages.
    pub data_key: &'static str,
    /// Folder of mean images; `means` unless a config names another folder.
    pub means_dir: PathBuf,
    /// Folder of the masks of objects, for metrics that compare maps with them.
    pub masks_root: Option<PathBuf>,
    /// Folder of the logs of the scheduler and its workers.
    pub log_dir: PathBuf,
    /// Folder of the stores; `outputs` unless a config names another folder.
    pub output_dir: PathBuf,
}

/// Folders of stores of earlier sweeps or scripts, whose images, labels and predictions are taken as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bases {
    all: Option<PathBuf>,
    resnet18: Option<PathBuf>,
}

impl Bases {
    /// Folder of the stores of `model`, with the key that names the folder; `None` where the config names none.
    pub fn of(&self, model: &str) -> Option<(&Path, &'static str)> {
        let own = self.resnet18.as_deref().filter(|_| model == "resnet18");
        let own = own.map(|folder| (folder, "paths.base_data_dir_resnet18"));
        own.or(self.all.as_deref().map(|folder| (folder, BASE)))
    }

    /// Whether the config names none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn read(fields: &mut Fields<'_>) -> Self {
        let [all, resnet18] = ["base_data_dir", "base_data_dir_resnet18"].map(|key| fields.optional(key, read::path));
        Self { all, resnet18 }
    }
}

/// Key of the folder of the stores whose images are taken.
pub const BASE: &str = "paths.base_data_dir";

/// Key of the folder of weights of which each method has its own, as [`Paths::weights_key`] has it.
pub const OWN_WEIGHTS: &str = "paths.decorr_weights_root";

/// Key of the Zarr that is read instead of the files in `data_root`, as [`Paths::data_key`] has it.
pub const INPUT_ZARR: &str = "paths.input_zarr_path";

/// Key of a folder that had another name while MedMNIST was the only kind of dataset. Both names mean the same.
struct Renamed {
    name: &'static str,
    path: &'static str,
    old: &'static str,
    old_path: &'static str,
}

const WEIGHTS: Renamed = Renamed {
    name: "weights_root",
    path: "paths.weights_root",
    old: "medmnist_weights_root",
    old_path: "paths.medmnist_weights_root",
};

const DATA: Renamed = Renamed {
    name: "data_root",
    path: "paths.data_root",
    old: "medmnist_data_root",
    old_path: "paths.medmnist_data_root",
};

impl Renamed {
    /// Reads the folder under the old or the new name of its key, with the path of that key. A missing folder is reported by
    /// the old name in a config that `has_old` names.
    fn read(&self, fields: &mut Fields<'_>, has_old: bool) -> (PathBuf, &'static str) {
        let (by_old, by_new) = (fields.node(self.old).is_some(), fields.node(self.name).is_some());
        if by_old && by_new {
            fields.problem(self.name, format!("found beside `{}`, its old name; keep one of them", self.old));
        }
        let (key, path) =
            if by_new || (!by_old && !has_old) { (self.name, self.path) } else { (self.old, self.old_path) };
        (fields.required(key, read::path).unwrap_or_default(), path)
    }
}

impl Paths {
    pub(super) fn read(mut fields: Fields<'_>) -> Self {
        let has_old = [WEIGHTS, DATA].iter().any(|key| fields.has(key.old));
        let imagenet_weights = fields.optional("imagenet_weights_root", read::path);
        let others = [WEIGHTS.name, WEIGHTS.old].map(|key| fields.node(key).is_some());
        let own = fields.optional("decorr_weights_root", read::path);
        let bases = Bases::read(&mut fields);
        let (weights_root, weights_key) = match (own, &imagenet_weights) {
            (Some(own), _) => (own, OWN_WEIGHTS),
            (None, Some(root)) if others == [false; 2] => (root.clone(), "paths.imagenet_weights_root"),
            _ => WEIGHTS.read(&mut fields, has_old),
        };
        let (data_root, data_key) = data(&mut fields, (has_old, !bases.is_empty()));
        let paths = Self {
            weights_root,
            weights_key,
            imagenet_weights,
            bases,
            data_root,
            data_key,
            means_dir: fields.optional("means_dir", read::path).unwrap_or_else(|| "means".into()),
            masks_root: fields.optional("masks_root", read::path),
            log_dir: fields.optional("scheduler_log_dir", read::path).unwrap_or_else(|| "./scheduler_logs/".into()),
            output_dir: output(&mut fields).unwrap_or_else(|| "outputs".into()),
        };
        fields.finish();
        paths
    }
}

/// Reads the folder of the stores under whichever name it has.
fn output(fields: &mut Fields<'_>) -> Option<PathBuf> {
    let [own, other] = ["final_output_dir", "output_root_dir"].map(|key| fields.optional(key, read::path));
    if own.is_some() && other.is_some() {
        fields.problem("output_root_dir", "found beside `final_output_dir`, which means the same; keep one of them");
    }
    own.or(other)
}

/// Reads the place of the data, with the path of its key: a folder of datasets, or one Zarr. With a base, there may be none.
fn data(fields: &mut Fields<'_>, (has_old, has_base): (bool, bool)) -> (PathBuf, &'static str) {
    let named = [DATA.name, DATA.old, "input_zarr_path"].map(|key| fields.node(key).is_some());
    if has_base && named == [false; 3] {
        return (PathBuf::new(), BASE);
    }
    let Some(zarr) = fields.optional("input_zarr_path", read::path) else { return DATA.read(fields, has_old) };
    for key in [DATA.name, DATA.old] {
        if fields.node(key).is_some() {
            fields.problem(
                "input_zarr_path",
                format!("found beside `{key}`, and it is what is read instead; keep one of them"),
            );
        }
    }
    (zarr, INPUT_ZARR)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Config;
    use crate::problem::Problems;

    /// The roots of a config with these `keys` of `paths`, and what is wrong with them.
    fn read(keys: &str) -> (Vec<String>, Vec<String>) {
        let mut problems = Problems::new(Path::new("c.yml"));
        let text = format!("paths: {{final_output_dir: o, {keys}}}\n");
        let paths = Config::parse(Path::new("c.yml"), &text, &mut problems).map(|config| config.paths);
        let told = problems.list().iter().filter(|problem| problem.key.starts_with("paths"));
        let roots = paths.map(|paths| {
            [(paths.weights_root, paths.weights_key), (paths.data_root, paths.data_key)]
                .map(|(root, key)| format!("{key}={}", root.display()))
        });
        (
            roots.into_iter().flatten().collect(),
            told.map(|problem| format!("{}: {}", problem.key, problem.text)).collect(),
        )
    }

    #[test]
    fn roots_are_read_under_their_names_and_under_those_that_they_had_before() {
        let (roots, told) = read("weights_root: w, data_root: d");
        assert_eq!(
            (roots, told),
            (vec!["paths.weights_root=w".to_owned(), "paths.data_root=d".to_owned()], Vec::new())
        );
        let (roots, told) = read("medmnist_weights_root: w, data_root: d");
        let expected = vec!["paths.medmnist_weights_root=w".to_owned(), "paths.data_root=d".to_owned()];
        assert_eq!((roots, told), (expected, Vec::new()));
    }

    #[test]
    fn the_folder_of_stores_has_two_names_and_a_config_has_one_of_them() {
        let mut problems = Problems::new(Path::new("c.yml"));
        let config = Config::parse(Path::new("c.yml"), "paths: {output_root_dir: pt}\n", &mut problems);
        assert_eq!(config.map(|config| config.paths.output_dir), Some("pt".into()));
        let (_, told) = read("weights_root: w, data_root: d, output_root_dir: pt");
        let expected = "paths.output_root_dir: found beside `final_output_dir`, which means the same; keep one of them";
        assert_eq!(told, [expected]);
    }

    #[test]
    fn weights_of_imagenet_may_be_the_only_ones() {
        let (roots, told) = read("imagenet_weights_root: i, data_root: d");
        let expected = vec!["paths.imagenet_weights_root=i".to_owned(), "paths.data_root=d".to_owned()];
        assert_eq!((roots, told), (expected, Vec::new()));
        let (roots, told) = read("imagenet_weights_root: i, weights_root: w, data_root: d");
        assert_eq!((roots[0].as_str(), told.len()), ("paths.weights_root=w", 0));
    }

    #[test]
    fn one_zarr_takes_the_place_of_the_folder_of_datasets() {
        let (roots, told) = read("weights_root: w, input_zarr_path: i.zarr");
        let expected = vec!["paths.weights_root=w".to_owned(), "paths.input_zarr_path=i.zarr".to_owned()];
        assert_eq!((roots, told), (expected, Vec::new()));
        let (_, told) = read("weights_root: w, input_zarr_path: i.zarr, data_root: d");
        assert_eq!(
            told,
            ["paths.input_zarr_path: found beside `data_root`, and it is what is read instead; keep one of them"]
        );
    }

    #[test]
    fn a_root_under_both_names_is_a_mistake_and_a_missing_one_is_told_by_the_names_that_the_config_uses() {
        let (_, told) = read("weights_root: w, data_root: d, medmnist_data_root: d");
        assert_eq!(told, ["paths.data_root: found beside `medmnist_data_root`, its old name; keep one of them"]);
        assert_eq!(read("weights_root: w").1, ["paths.data_root: missing, expected a path"]);
        assert_eq!(read("medmnist_weights_root: w").1, ["paths.medmnist_data_root: missing, expected a path"]);
    }
}
