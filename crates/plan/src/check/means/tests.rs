use std::io::Write;

use sweep::parameters::Parameters;

use super::*;

/// A MedMNIST file with two grey images of 28x28 px in the split `train`: black and white.
fn dataset(folder: &Path, flag: &str, split: &str) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(folder.join(format!("{flag}.npz"))).unwrap());
    let pixels: Vec<u8> = [0, 255].into_iter().flat_map(|pixel| [pixel; 28 * 28]).collect();
    for (name, shape, bytes) in [("images", "(2, 28, 28)", &pixels[..]), ("labels", "(2, 1)", &[0, 1])] {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
        zip.start_file(format!("{split}_{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"\x93NUMPY\x01\x00").unwrap();
        zip.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        zip.write_all(header.as_bytes()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

fn variant(baselines: &str) -> Variant {
    let parameters: Parameters = serde_json::from_value(serde_json::json!({"baselines": baselines})).unwrap();
    let key = format!("DeepLIFT_baselines_{baselines}");
    Variant { parameters, ..testkit::group::variant(&key, "DeepLift") }
}

fn group(dataset: &str, channels: usize, variants: Vec<Variant>) -> Group {
    let group = testkit::group::group().dataset(dataset, "d.npz").shape([channels, 28, 28]).images(2, 2);
    group.variants(variants).build()
}

/// Result of [`Means::find`] for the datasets in `folder`, and the mistakes that it reports.
fn found(folder: &Path, means_dir: &str, flags: &[&str], variants: &[Variant]) -> (Means, Vec<String>) {
    found_with("", folder, means_dir, flags, variants)
}

/// Means that a config with the keys `top` at its top level has, and what is told of them.
fn found_with(top: &str, folder: &Path, means_dir: &str, flags: &[&str], variants: &[Variant]) -> (Means, Vec<String>) {
    let text = format!(
        "{top}paths:\n  medmnist_weights_root: w\n  medmnist_data_root: {0}\n  final_output_dir: o\n{means_dir}search_space:\n  \
         data_flags: [{1}]\n  model_flags: [m]\n  splits: [test]\n  image_size: 28\n  noise_conditions: [{{name: clean, \
         type: none}}]\n  attribution_methods: [{{name: DeepLift}}]\n",
        folder.display(),
        flags.join(", ")
    );
    let mut problems = Problems::new(Path::new("config.yml"));
    let config = Config::parse(Path::new("config.yml"), &text, &mut problems).unwrap();
    assert_eq!(problems.list(), []);
    let means = Means::find(&config, &config.search_space.data_flags, variants, &mut problems);
    let line = |problem: &sweep::problem::Problem| format!("{}: {}: {}", problem.line, problem.key, problem.text);
    (means, problems.list().iter().map(line).collect())
}

fn means_dir(folder: &Path) -> String {
    format!("  means_dir: {}/means\n", folder.display())
}

/// (-1 + 1) / 2 = 0 in every pixel.
#[test]
fn a_missing_mean_is_computed_once_and_found_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path(), "a", "train");
    let variants = [variant("combined_zng")];
    for first in [true, false] {
        let (mut means, problems) = found(folder.path(), &means_dir(folder.path()), &["a"], &variants);
        assert_eq!(problems, [""; 0]);
        let file = folder.path().join("means/a_mean.pt");
        assert_eq!(means.missing().collect::<Vec<_>>(), if first { vec![file.as_path()] } else { Vec::new() });
        assert_eq!(file.exists(), !first);
        assert_eq!(means.compute().unwrap(), first);
        assert_eq!(mean::read(&file).unwrap().values, [0.0; 3 * 28 * 28]);
    }
}

#[test]
fn groups_get_the_mean_of_their_dataset_if_a_variant_takes_it_and_its_digest_is_their_fact() {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path(), "a", "train");
    let (mut means, _) = found(folder.path(), &means_dir(folder.path()), &["a"], &[variant("global_mean")]);
    let mut taking = group("a", 1, vec![variant("zero"), variant("global_mean")]);
    means.attach(&mut taking).unwrap();
    assert_eq!(taking.input.mean, None, "it is not there yet");
    means.compute().unwrap();
    let mut others = [group("a", 3, vec![variant("zero")]), group("b", 3, vec![variant("global_mean")])];
    for group in others.iter_mut().chain([&mut taking]) {
        means.attach(group).unwrap();
    }
    assert_eq!(others.map(|group| group.input.mean), [None, None]);
    let mean = taking.input.mean.clone().unwrap();
    assert_eq!(mean.sha256, mean::read(&mean.file).unwrap().sha256());
    let facts = [0, 1].map(|index| sweep::fingerprint::of_variant(&taking, &taking.variants[index]));
    assert_eq!(facts[0].get("mean_sha256"), None);
    assert_eq!(facts[1]["mean_sha256"], mean.sha256);
}

#[test]
fn nothing_is_looked_for_where_no_variant_takes_a_mean() {
    let folder = tempfile::tempdir().unwrap();
    let (means, problems) = found(folder.path(), "", &["a"], &[variant("zero")]);
    assert_eq!((means.missing().count(), problems), (0, Vec::new()));
}

#[test]
fn without_a_folder_for_means_in_the_config_they_are_looked_for_in_means() {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path(), "a", "train");
    let (means, problems) = found(folder.path(), "", &["a"], &[variant("zero"), variant("global_mean")]);
    assert_eq!(problems, [""; 0]);
    assert_eq!(means.missing().collect::<Vec<_>>(), [Path::new("means/a_mean.pt")]);
}

#[test]
fn every_mean_that_cannot_be_used_or_made_is_told_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    for flag in ["small", "nan", "broken"] {
        dataset(folder.path(), flag, "train");
    }
    dataset(folder.path(), "untrained", "test");
    let file = |flag: &str| folder.path().join(format!("means/{flag}_mean.pt"));
    mean::write(&file("small"), &Mean { shape: [3, 27, 28], values: vec![0.0; 3 * 27 * 28] }).unwrap();
    mean::write(&file("nan"), &Mean { shape: [3, 1, 1], values: vec![0.0, f32::NAN, 0.0] }).unwrap();
    std::fs::write(file("broken"), b"PK").unwrap();
    let flags = ["small", "nan", "broken", "untrained"];
    let (means, problems) = found(folder.path(), &means_dir(folder.path()), &flags, &[variant("global_mean")]);
    let expected = [
        "small_mean.pt`: it has the shape [3, 27, 28], expected [3, 28, 28]",
        "nan_mean.pt`: it holds NaN (value 1), expected finite numbers",
        "broken_mean.pt`: damaged or cut off",
        "untrained.npz` has no member `train_images`",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for (problem, text) in problems.iter().zip(expected) {
        assert!(
            problem.contains(text) && problem.ends_with("(baseline of `DeepLIFT_baselines_global_mean`)"),
            "{problem}"
        );
        assert!(problem.starts_with("7: search_space.data_flags: "), "{problem}");
    }
    assert_eq!(means.missing().count(), 0);
}

#[test]
fn a_coloured_mean_does_not_fit_a_model_of_one_channel() {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path(), "a", "train");
    let colour = Mean { shape: [3, 1, 1], values: vec![0.0, 0.5, 1.0] };
    mean::write(&folder.path().join("means/a_mean.pt"), &colour).unwrap();
    let (means, problems) = found(folder.path(), &means_dir(folder.path()), &["a"], &[variant("global_mean")]);
    assert_eq!(problems, [""; 0]);
    let misfit = means.attach(&mut group("a", 1, vec![variant("global_mean")])).unwrap_err().to_string();
    assert!(misfit.contains("a_mean.pt`") && misfit.contains("expected [1, 28, 28]"), "{misfit}");
    let mut fitting = group("a", 3, vec![variant("global_mean")]);
    means.attach(&mut fitting).unwrap();
    assert!(fitting.input.mean.is_some());
}

#[test]
fn a_mean_of_another_split_has_a_file_of_its_own_and_that_of_the_scripts_is_taken_for_it_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path(), "a", "val");
    let file = |name: &str| folder.path().join("means").join(name);
    let variants = [variant("global_mean")];
    let missing = |top: &str| {
        let (means, problems) = found_with(top, folder.path(), &means_dir(folder.path()), &["a"], &variants);
        (means.missing().map(Path::to_owned).collect::<Vec<_>>(), [problems, means.notes().to_vec()].concat())
    };
    assert_eq!(missing("mean_of: val\n"), (vec![file("a_split-val_mean.pt")], Vec::new()));
    assert_eq!(missing("reference: resnet_imagenet\n"), (vec![file("a_split-val_mean.pt")], Vec::new()));
    assert_eq!(
        missing("reference: resnet_imagenet\nnormalize: {mean: 0.1, std: 0.2}\n").0.len(),
        1,
        "images that are normalized otherwise"
    );
    let (none, problems) = missing("reference: resnet_medmnist\n");
    assert_eq!(none, [] as [PathBuf; 0]);
    assert!(problems[0].contains("has no member `train_images`"), "{problems:?}");
    // The file of the scripts is used as it is, until there is one whose name has the split.
    mean::write(&file("a_mean.pt"), &Mean { shape: [3, 28, 28], values: vec![0.5; 3 * 784] }).unwrap();
    let (none, told) = missing("reference: resnet_imagenet\n");
    assert_eq!((none.len(), told.len()), (0, 1));
    assert!(told[0].contains("a_mean.pt` is taken for the mean image of the split `val`"), "{told:?}");
    assert_eq!(missing("mean_of: val\n"), (vec![file("a_split-val_mean.pt")], Vec::new()));
    mean::write(&file("a_split-val_mean.pt"), &Mean { shape: [3, 28, 28], values: vec![0.5; 3 * 784] }).unwrap();
    assert_eq!(missing("reference: resnet_imagenet\n"), (Vec::new(), Vec::new()));
}

/// The sweep that comes second is the one whose script makes the file of the train split.
#[test]
fn a_mean_of_another_split_that_was_computed_is_not_that_of_the_train_split_for_the_next_sweep() {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path(), "a", "val");
    let variants = [variant("global_mean")];
    let find = |top: &str| found_with(top, folder.path(), &means_dir(folder.path()), &["a"], &variants);
    let (mut means, problems) = find("reference: resnet_imagenet\n");
    assert_eq!(problems, [""; 0]);
    assert!(means.compute().unwrap());
    let mut taking = group("a", 3, vec![variant("global_mean")]);
    means.attach(&mut taking).unwrap();
    assert!(taking.input.mean.is_some_and(|mean| mean.file.ends_with("a_split-val_mean.pt")));
    dataset(folder.path(), "a", "train");
    let (means, _) = find("reference: resnet_medmnist\n");
    assert_eq!(means.missing().collect::<Vec<_>>(), [folder.path().join("means/a_mean.pt")]);
}

#[test]
fn groups_get_the_mean_of_their_own_images_where_the_config_wants_these() {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path(), "a", "test");
    let (mut means, problems) = found_with(
        "reference: densenet_imagenet\n",
        folder.path(),
        &means_dir(folder.path()),
        &["a"],
        &[variant("global_mean")],
    );
    assert_eq!((means.missing().count(), &problems[..]), (0, &[] as &[String]));
    let build = |images: u64| {
        let group = testkit::group::group().dataset("a", folder.path().join("a.npz")).shape([3, 28, 28]);
        group.images(images, 2).variants(vec![variant("global_mean")]).build()
    };
    let mut groups = [build(1), build(2)];
    let mut told = Problems::new(Path::new("c.yml"));
    means.find_of_groups(groups.iter(), &mut told);
    assert_eq!((means.missing().count(), told.list().len()), (2, 0));
    means.compute().unwrap();
    for (group, expected) in groups.iter_mut().zip([-1.0, 0.0]) {
        means.attach(group).unwrap();
        let mean = mean::read(&group.input.mean.as_ref().unwrap().file).unwrap();
        // The first image is black, the second white.
        assert_eq!(mean.values, [expected; 3 * 784]);
    }
}
