use std::path::Path;

use super::*;

/// Place of `flag` in a config with this key of `paths`, and the mistakes that are reported.
fn located(paths: &str, flag: &str) -> (Option<PathBuf>, Vec<String>) {
    let text = format!(
        "paths: {{weights_root: w, final_output_dir: o, {paths}}}\nsearch_space:\n  data_flags: [{flag}]\n  model_flags: [m]\n  \
         splits: [test]\n  image_size: 28\n  noise_conditions: [{{name: clean, type: none}}]\n  attribution_methods: [{{name: Saliency}}]\n"
    );
    let mut problems = Problems::new(Path::new("c.yml"));
    let config = Config::parse(Path::new("c.yml"), &text, &mut problems).unwrap();
    assert_eq!(problems.list(), []);
    let found = locate(&config, (flag, 3), &mut problems).map(|(place, _)| place);
    (found, problems.list().iter().map(|problem| format!("{}: {}", problem.key, problem.text)).collect())
}

fn put(root: &Path, name: &str) {
    let file = root.join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, b"{}").unwrap();
}

#[test]
fn a_data_root_that_is_laid_out_like_a_zarr_is_no_dataset_of_any_flag() {
    for name in ["test.zarr/zarr.json", "zarr.json", ".zgroup"] {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), name);
        put(root.path(), "right.zarr/zarr.json");
        let key = format!("data_root: {}", root.path().display());
        assert_eq!(located(&key, "right"), (Some(root.path().join("right.zarr")), Vec::new()));
        let (found, told) = located(&key, "typo");
        assert_eq!(found, None, "{name}");
        assert!(
            told[0].contains("no data for `typo` at 28 px") && told[0].contains("itself is laid out like a Zarr"),
            "{told:?}"
        );
    }
}

#[test]
fn the_zarr_that_a_config_names_is_the_dataset_whatever_lies_in_it_and_nothing_else_is() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "own.zarr/zarr.json");
    put(root.path(), "own.zarr/a/zarr.json");
    put(root.path(), "folder/a.zarr/zarr.json");
    let key = |name: &str| format!("input_zarr_path: {}", root.path().join(name).display());
    assert_eq!(located(&key("own.zarr"), "a"), (Some(root.path().join("own.zarr")), Vec::new()));
    let (found, told) = located(&key("folder"), "a");
    assert_eq!(found, None);
    assert!(told[0].contains("folder` is no Zarr"), "{told:?}");
}

/// A worker that measures batch sizes knows the root and no config.
#[test]
fn without_a_config_a_root_that_is_a_zarr_is_found_where_no_dataset_of_the_name_lies_in_it() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "zarr.json");
    put(root.path(), "right.zarr/zarr.json");
    let place = |flag: &str| formats::locate(root.path(), flag, 28).map(|(place, _)| place);
    assert_eq!(place("right"), Ok(root.path().join("right.zarr")));
    assert_eq!(place("other"), Ok(root.path().to_owned()));
}
