use super::*;
use crate::variant::semantics::Semantics;

/// The reference experiment MedMNIST-ResNet, with every key that its schema has.
const REFERENCE: &str = "\
paths:
  medmnist_weights_root: w
  medmnist_data_root: d
  means_dir: m
  scheduler_log_dir: ./scheduler_logs/
  final_output_dir: out
search_space:
  data_flags: []
  model_flags: [resnet18, resnet50]
  splits: [train, val, test]
  noise_conditions:
    - {name: clean, type: none, params: {}}
    - {name: gaussian_std_0.15, type: gaussian, params: {std: 0.15}}
  attribution_methods:
    - {name: DeepLIFT, class: DeepLift, params: {baselines: global_mean}}
    - name: IntegratedGradients
      class: IntegratedGradients
      params: {n_steps: [50, 200], baselines: zero}
preflight_check:
  enabled: true
  results_path: preflight_results.json
  subset_size: 512
  start_batch_size: 512
  binary_search_depth: 4
  exempt_methods: {FeatureAblation: 1024, Occlusion: 1024}
scheduler:
  available_gpus: [1]
  max_retries: 1
  task_timeout: 288000
  polling_interval: 10
";

fn parse(text: &str) -> (Option<Config>, Vec<String>) {
    let mut problems = Problems::new(Path::new("config.yml"));
    let config = Config::parse(Path::new("config.yml"), text, &mut problems);
    let line = |p: &crate::yaml::problem::Problem| format!("{}: {}: {}", p.line, p.key, p.text);
    (config, problems.list().iter().map(line).collect())
}

#[test]
fn a_reference_config_is_read_as_it_is() {
    let (config, problems) = parse(REFERENCE);
    assert_eq!(problems, [""; 0]);
    let config = config.unwrap_or_else(|| panic!("not read"));
    assert_eq!(config.search_space.methods[0].class, "DeepLift");
    assert_eq!(config.devices(), Devices::Gpus(vec![1]));
    assert_eq!(config.search_space.image_size, 224);
}

#[test]
fn every_mistake_is_told_at_once_with_its_line_and_what_was_expected() {
    let text = REFERENCE
        .replace("  splits: [train, val, test]", "  splits: [train, vall]\n  nois: 1")
        .replace("max_retries: 1", "max_retries: -1")
        .replace("type: none, ", "")
        .replace("  medmnist_data_root: d\n", "");
    let (_, problems) = parse(&text);
    let expected = [
        "2: paths.medmnist_data_root: missing, expected a path",
        "9: search_space.splits[1]: found `vall`, expected `train` or `val` or `test`",
        "12: search_space.noise_conditions[0].type: missing, expected text",
        "10: search_space.nois: unknown key, known: data_flags, model_flags, splits, image_size, float_range, noise_conditions, attribution_methods",
        "28: scheduler.max_retries: found `-1`, expected a whole number from 0 to 100",
    ];
    assert_eq!(problems, expected);
}

#[test]
fn a_key_that_is_there_twice_is_told_with_both_lines() {
    let text = REFERENCE.replace("splits:", "splits: [val]\n  splits:").replace("{std: 0.15}", "{std: 1, std: 2}");
    let expected = [
        "11: search_space.splits: found twice, in lines 10 and 11; keep one of them",
        "14: search_space.noise_conditions[1].params.std: found twice, in lines 14 and 14; keep one of them",
    ];
    let (_, problems) = parse(&text);
    let doubled: Vec<_> = problems.iter().filter(|problem| problem.contains("twice")).collect();
    assert_eq!(doubled, expected.iter().collect::<Vec<_>>(), "{problems:?}");
    let (_, nested) = parse(&REFERENCE.replace("{std: 0.15}", "{std: {a: 1, a: 2}}"));
    assert_eq!(nested, ["13: search_space.noise_conditions[1].params: found a mapping, expected each key once"]);
}

#[test]
fn what_anchors_mark_has_a_place_at_the_top_level() {
    let text = format!("x-sizes: &sizes [50, 200]\nx-seeds: {{a: &seed 3}}\n{REFERENCE}seed: *seed\n");
    let (config, problems) = parse(&text.replace("n_steps: [50, 200]", "n_steps: *sizes"));
    assert_eq!(problems, [""; 0]);
    let config = config.unwrap_or_else(|| panic!("not read"));
    let steps = config.search_space.methods[1].params.get("n_steps").cloned();
    assert_eq!((config.settings.numerics.seed, steps), (3, Some(serde_json::json!([50, 200]))));
    let (_, problems) = parse(&format!("{REFERENCE}xs: 1\n"));
    assert!(problems[0].starts_with("31: xs: unknown key"), "{problems:?}");
}

#[test]
fn images_may_have_any_size_that_a_model_can_take() {
    for size in [8, 28, 32, 96, 1024] {
        let (config, problems) = parse(&REFERENCE.replace("  splits:", &format!("  image_size: {size}\n  splits:")));
        assert_eq!(problems, [""; 0]);
        assert_eq!(config.map(|config| config.search_space.image_size), Some(size));
    }
    for size in ["7", "1025", "-28", "28.0", "small"] {
        let (_, problems) = parse(&REFERENCE.replace("  splits:", &format!("  image_size: {size}\n  splits:")));
        let found = format!("image_size: found `{size}`, expected a whole number from 8 to 1024");
        assert!(problems.iter().any(|problem| problem.contains(&found)), "{problems:?}");
    }
}

#[test]
fn a_grid_of_more_variants_than_a_worker_can_be_told_is_refused_once_and_not_made() {
    let steps = |n: u64| (1..=n).map(|step| step.to_string()).collect::<Vec<_>>().join(", ");
    // One variant is that of DeepLIFT.
    let (config, problems) = parse(&REFERENCE.replace("[50, 200]", &format!("[{}]", steps(4095))));
    assert_eq!((problems.len(), config.map(|config| config.search_space.methods.len())), (0, Some(2)));
    let grids = [
        ("[50, 200]", 4096, "4097"),
        ("[50, 200], a: [X], b: [X], c: [X], d: [X], e: [X], f: [X]", 2000, "18446744073709551615"),
    ];
    for (list, n, asked) in grids {
        let list = list.replace("[50, 200]", "[X]").replace('X', &steps(n));
        let (config, problems) = parse(&REFERENCE.replace("[50, 200]", &list));
        let told = format!("search_space.attribution_methods: stand for {asked} variants, expected at most 4096; ");
        assert!(matches!(&problems[..], [only] if only.contains(&told)), "{problems:?}");
        assert_eq!(config.map(|config| config.search_space.methods.len()), Some(0));
    }
}

#[test]
fn devices_are_read_in_each_of_their_forms() {
    let table = [
        ("auto", Devices::Auto),
        ("cpu", Devices::Cpu { workers: 1 }),
        ("{cpu: 2}", Devices::Cpu { workers: 2 }),
        ("[0, 2]", Devices::Gpus(vec![0, 2])),
    ];
    for (yaml, devices) in table {
        let (config, problems) = parse(&format!("{REFERENCE}devices: {yaml}\n"));
        assert_eq!(problems, [""; 0]);
        assert_eq!(config.map(|c| c.devices()), Some(devices));
    }
    let (_, problems) = parse(&format!("{REFERENCE}devices: {{gpu: 2}}\n"));
    assert_eq!(problems, ["31: devices: found a mapping, expected `auto`, `cpu`, `{cpu: N}` or a list of GPU indices"]);
}

#[test]
fn semantics_are_those_of_the_sweep_unless_a_method_says_otherwise() {
    let text = REFERENCE.replace("class: DeepLift,", "class: DeepLift, semantics: captum_patched,");
    let (config, problems) = parse(&format!("{text}semantics: captum\n"));
    assert_eq!(problems, [""; 0]);
    let config = config.unwrap_or_else(|| panic!("not read"));
    assert_eq!(config.settings.semantics, Semantics::Captum);
    let of_methods: Vec<_> = config.search_space.methods.iter().map(|method| method.semantics).collect();
    assert_eq!(of_methods, [Some(Semantics::CaptumPatched), None]);
    let (_, problems) = parse(&format!("{REFERENCE}semantics: captun\n"));
    assert_eq!(
        problems,
        ["31: semantics: found `captun`, expected `exact` or `captum` or `captum_patched` or `reference`"]
    );
    assert_eq!(parse(REFERENCE).0.map(|config| config.settings.semantics), Some(Semantics::Exact));
}

#[test]
fn weights_per_method_that_are_no_list_are_refused_rather_than_ignored() {
    let (_, problems) = parse(&format!("{REFERENCE}model_method_mapping: {{split_1: Saliency}}\n"));
    let expected = "31: model_method_mapping: found a mapping, expected a list of mappings";
    assert!(problems.iter().any(|told| told == expected), "{problems:?}");
}
