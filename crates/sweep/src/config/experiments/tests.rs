use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::config::Config;
use crate::parameters::{Default, Kind, Parameter, Parameters};
use crate::problem::Problems;

fn config(text: &str) -> (Config, Vec<String>) {
    let mut problems = Problems::new(Path::new("c.yml"));
    let config = Config::parse(Path::new("c.yml"), text, &mut problems);
    let told = problems.list().iter().map(|problem| format!("{}: {}: {}", problem.line, problem.key, problem.text));
    (config.unwrap_or_else(|| panic!("{text}")), told.collect())
}

fn taken(text: &str) -> Option<(&'static str, Found)> {
    config(text).0.reference.map(|reference| (reference.experiment.name, reference.found))
}

#[test]
fn the_word_of_a_config_sets_what_its_script_does_and_keys_come_before_it() {
    for (word, experiment) in WORDS {
        let (config, told) = config(&format!("reference: {word}\n"));
        assert!(!told.iter().any(|told| told.contains("reference")), "{told:?}");
        assert_eq!(config.reference.map(|reference| reference.experiment), *experiment);
        let (precision, mean_of) = (config.settings.numerics.precision, config.settings.mean_of);
        let expected = experiment.map(|experiment| (experiment.precision, experiment.mean_of));
        assert_eq!((precision, mean_of), expected.unwrap_or((Precision::Float32, MeanOf::Split(Split::Train))));
    }
    let format = |text: &str| config(text).0.settings.store.format;
    assert_eq!(format("reference: resnet_medmnist\n"), Some(("zarr.zip".to_owned(), 1)));
    assert_eq!(format("reference: resnet_medmnist\nstore: {format: zarr}\n"), Some(("zarr".to_owned(), 2)));
    assert_eq!(format("reference: densenet_medmnist\n"), None);
    let (config, _) = config("reference: resnet_imagenet\nprecision: tf32\nmean_of: test\n");
    assert_eq!(config.settings.numerics.precision, Precision::Tf32);
    assert_eq!(config.settings.mean_of, MeanOf::Split(Split::Test));
}

#[test]
fn a_word_that_names_no_experiment_is_told_with_those_that_do() {
    let (_, told) = config("reference: resnet\n");
    let expected = "1: reference: found `resnet`, expected `resnet_medmnist` or `densenet_medmnist` or `resnet_imagenet` or \
                    `densenet_imagenet` or `decorr` or `none`";
    assert!(told.iter().any(|told| told == expected), "{told:?}");
}

#[test]
fn an_experiment_is_recognised_by_what_no_other_has_and_by_nothing_else() {
    let medmnist =
        "paths: {medmnist_weights_root: w}\nsearch_space: {data_flags: [FLAG], model_flags: [densenet121]}\n";
    let table = [
        ("settings: {model_flag: densenet121}\n", Some(("densenet_imagenet", Found::Recognised("`settings`")))),
        ("paths: {output_root_dir: o}\n", Some(("densenet_imagenet", Found::Recognised("`paths.output_root_dir`")))),
        ("reference: none\nsettings: {model_flag: densenet121}\n", None),
        ("reference: resnet_medmnist\nsettings: {}\n", Some(("resnet_medmnist", Found::Named))),
    ];
    for (text, expected) in table {
        assert_eq!(taken(text), expected, "{text}");
    }
    let imagenet = Found::Recognised("`data_flags` of `imagenet` alone");
    assert_eq!(taken(&medmnist.replace("FLAG", "imagenet")), Some(("resnet_imagenet", imagenet)));
    for flags in ["bloodmnist", "", "imagenet, bloodmnist"] {
        assert_eq!(taken(&medmnist.replace("FLAG", flags)), None, "{flags}");
    }
    assert!(
        config("settings: {model_flag: densenet121}\n")
            .0
            .reference
            .unwrap()
            .guessed()
            .unwrap()
            .contains("`reference: none` takes none")
    );
    assert_eq!(config("reference: resnet_medmnist\n").0.reference.unwrap().guessed(), None);
    let beside = medmnist.replace("medmnist_weights_root: w", "imagenet_weights_root: w, weights_root: v");
    assert_eq!(taken(&beside.replace("FLAG", "imagenet")), None);
    // The key that counts for every kind of dataset says nothing of scripts.
    let own = medmnist.replace("medmnist_weights_root", "weights_root").replace("FLAG", "imagenet");
    assert_eq!(taken(&own), None);
}

#[test]
fn windows_of_p_by_1_are_written_where_the_config_gives_the_patch_size_alone() {
    let parameter = |name: &'static str, kind| Parameter {
        name: name.into(),
        summary: "".into(),
        kind,
        default: Some(Default::Absent),
    };
    let patch = parameter("patch_size", Kind::Integer { least: 1, most: 99 });
    let moving = [patch.clone(), parameter("sliding_window_shapes", Kind::Extent), parameter("strides", Kind::Extent)];
    let completed = |windows: Windows, given: Value, declared: &[Parameter]| {
        let mut parameters: Parameters = serde_json::from_value(given).unwrap_or_default();
        windows.complete(&mut parameters, declared);
        serde_json::to_value(parameters).unwrap_or_default()
    };
    let table = [
        (json!({"patch_size": 8}), json!({"patch_size": 8, "sliding_window_shapes": [8], "strides": [1]})),
        // The scripts take 16.
        (json!({}), json!({"sliding_window_shapes": [16], "strides": [1]})),
        (json!({"patch_size": 8, "strides": [4]}), json!({"patch_size": 8, "strides": [4]})),
        (json!({"sliding_window_shapes": [9]}), json!({"sliding_window_shapes": [9]})),
    ];
    for (given, expected) in table {
        assert_eq!(completed(Windows::EveryPixel, given.clone(), &moving), expected);
        assert_eq!(completed(Windows::Overlapping, given.clone(), &moving), given);
    }
    // A method with patches that do not move.
    assert_eq!(completed(Windows::EveryPixel, json!({"patch_size": 8}), &[patch]), json!({"patch_size": 8}));
}

/// The reference experiment with DenseNet on ImageNet, with every key that its schema has.
const FLAT: &str = "\
paths:
  data_root: d
  output_root_dir: o
  imagenet_weights_root: w
settings:
  model_flag: densenet121
  gpu_id: 2
  batch_sizes: {default: 128, IntegratedGradients_baselines_zero_n_steps_50: 8, Occlusion: 256}
noise_conditions:
  - {name: clean, type: none, params: {}}
attribution_methods:
  - {name: Saliency, class: Saliency, params: {}}
  - {name: IntegratedGradients, class: IntegratedGradients, params: {n_steps: [50, 200], baselines: zero}}
";

#[test]
fn a_config_without_a_search_space_stands_for_one_model_on_imagenet() {
    let (config, told) = config(FLAT);
    assert_eq!(told, [""; 0]);
    let space = &config.search_space;
    assert_eq!(
        (&space.data_flags[..], &space.model_flags[..]),
        (&[("imagenet".to_owned(), 6)][..], &[("densenet121".to_owned(), 6)][..])
    );
    assert_eq!((&space.splits[..], space.image_size), (&[(Split::Val, 6)][..], 224));
    assert_eq!((space.noises.len(), space.methods.len()), (1, 2));
    assert_eq!(space.float_range, Some([-1.0, 1.0]));
    assert_eq!(config.devices(), crate::config::Devices::Gpus(vec![2]));
    let proposed = |key: &str| config.preflight.proposed.of(key);
    assert_eq!(proposed("IntegratedGradients_baselines_zero_n_steps_50"), Some(8));
    assert_eq!(
        (proposed("IntegratedGradients_baselines_zero_n_steps_200"), proposed("Occlusion")),
        (Some(128), Some(256))
    );
    assert_eq!(config.paths.output_dir, Path::new("o"));
    assert_eq!(config.reference.map(|reference| reference.experiment.name), Some("densenet_imagenet"));
}

#[test]
fn mistakes_in_a_config_without_a_search_space_are_told_where_they_stand() {
    let text = FLAT
        .replace("  model_flag: densenet121\n", "  model_flags: [densenet121]\n")
        .replace("default: 128", "default: 0")
        .replace("type: none, ", "");
    let (_, told) = config(&format!("{text}search_space: {{image_size: 64}}\n"));
    let expected = [
        "6: settings.model_flag: missing, expected a name of at most 100 letters, digits, `.`, `_` or `-`",
        "8: settings.batch_sizes: default: found `0`, expected a whole number from 1 to 1048576",
        "6: settings.model_flags: unknown key here, it belongs below `search_space`",
        "14: search_space: found beside `settings`, whose lists `noise_conditions` and `attribution_methods` stand at the top level; \
         keep one of them",
        "10: noise_conditions[0].type: missing, expected text",
    ];
    assert_eq!(told, expected);
    let (_, told) = config(&FLAT.replace("attribution_methods", "methods"));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].ends_with("attribution_methods: expected a list with at least one item"), "{told:?}");
}

/// The decorrelated experiment, with every key that its script reads.
const MAPPED: &str = "\
paths:
  decorr_weights_root: w
  imagenet_weights_root: i
  medmnist_data_root: d
  base_data_dir: b
  base_data_dir_resnet18: r
model_method_mapping:
  - {model_split_id: 0, method_name: Saliency}
  - {model_split_id: 6, method_name: GradientShap_n_samples_20}
  - {model_split_id: 7, method_name: DeepLIFT_SHAP}
search_space:
  data_flags: [bloodmnist]
  model_flags: [densenet121, resnet18]
  noise_conditions: [{name: clean, type: none, params: {}}]
  splits: [val]
experiment: {name: a, description: b, version: c}
";

#[test]
fn a_mapping_of_weights_to_methods_stands_for_variants_of_its_own_keys() {
    let (config, told) = config(MAPPED);
    assert_eq!(told, [""; 0]);
    assert_eq!(config.reference.map(|reference| reference.experiment.name), Some("decorr"));
    let variants: Vec<_> = config.search_space.methods.iter().flat_map(super::super::Method::variants).collect();
    let keys: Vec<&str> = variants.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["Saliency", "GradientShap_n_samples_20", "DeepLIFT_SHAP"]);
    let own: Vec<_> = config.search_space.methods.iter().filter_map(|method| Some(method.own.as_ref()?.1)).collect();
    assert_eq!(own, [0, 6, 7]);
    let paths = &config.paths;
    assert_eq!((paths.weights_root.as_path(), paths.weights_key), (Path::new("w"), "paths.decorr_weights_root"));
    let base = |model: &str| paths.bases.of(model).map(|(folder, _)| folder.display().to_string());
    assert_eq!((base("resnet18"), base("densenet121")), (Some("r".to_owned()), Some("b".to_owned())));
    assert_eq!((config.suffix, config.settings.as_script), ("_decorr", false));
    let (script, told) = self::config(&format!("semantics: reference\n{MAPPED}"));
    assert_eq!((script.settings.as_script, told.len()), (true, 0));
    assert_eq!(script.search_space.methods[2].class, "DeepLift");
}

#[test]
fn what_a_mapping_lacks_and_what_may_not_stand_beside_it_is_told_at_once() {
    let text = "\
paths: {weights_root: w}
search_space: {splits: [val], attribution_methods: [{name: Saliency}]}
model_method_mapping:
  - {model_split_id: 0, method_name: Saliencies}
  - {method_name: Own, class: Saliency}
expect: [{model: resnet18, accuracy: 0.5}]
";
    let (_, told) = config(text);
    for wanted in [
        "4: model_method_mapping[0].method_name: found `Saliencies`, expected Saliency or InputXGradient",
        "5: model_method_mapping[1].model_split_id: missing",
        "2: search_space.attribution_methods: found beside `model_method_mapping`",
        "1: paths.decorr_weights_root: missing beside `model_method_mapping`",
        "1: paths.base_data_dir: missing beside `model_method_mapping`",
        "2: search_space.data_flags: expected a list with at least one item beside `model_method_mapping`",
        "6: expect: found beside `model_method_mapping`",
    ] {
        assert!(told.iter().any(|told| told.starts_with(wanted)), "{wanted}: {told:?}");
    }
    for alone in ["reference: decorr\n", "paths: {decorr_weights_root: w}\n", "paths: {base_data_dir: b}\n"] {
        let (_, told) = config(alone);
        assert!(told.iter().any(|told| told.contains("model_method_mapping: missing, expected a list")), "{told:?}");
    }
    // An empty one says nothing.
    assert_eq!(taken("model_method_mapping: {}\n"), None);
    let (_, told) = config("semantics: reference\n");
    assert!(
        told.iter().any(|told| told.starts_with("1: semantics: found `reference`, and the config is of no")),
        "{told:?}"
    );
}
