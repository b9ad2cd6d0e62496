//! Where each key belongs: told to whoever wrote it at another level.

use super::evaluation;

/// Each section of a config, the top level first, with its keys.
pub(super) const PLACES: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "paths",
            "search_space",
            "preflight_check",
            "scheduler",
            "seed",
            "precision",
            "fold_batch_norm",
            "semantics",
            "store",
            "devices",
            "launcher",
            "page",
            "at_end",
            "limit",
            "indices",
            "batch_size",
            "memory",
            "threads",
            "expect",
            "normalize",
            "weights",
            "experiment",
            "model_method_mapping",
            "reference",
            "mean_of",
            "evaluation",
            "evaluation_defaults",
            "settings",
        ],
    ),
    (
        "paths",
        &[
            "medmnist_weights_root",
            "weights_root",
            "imagenet_weights_root",
            "medmnist_data_root",
            "data_root",
            "input_zarr_path",
            "decorr_weights_root",
            "base_data_dir",
            "base_data_dir_resnet18",
            "means_dir",
            "masks_root",
            "scheduler_log_dir",
            "final_output_dir",
            "output_root_dir",
        ],
    ),
    (
        "search_space",
        &[
            "data_flags",
            "model_flags",
            "splits",
            "image_size",
            "float_range",
            "noise_conditions",
            "attribution_methods",
        ],
    ),
    (
        "preflight_check",
        &["enabled", "results_path", "exempt_methods", "subset_size", "start_batch_size", "binary_search_depth"],
    ),
    ("scheduler", &["available_gpus", "max_retries", "task_timeout", "polling_interval", "max_tasks_per_gpu"]),
    ("evaluation_defaults", evaluation::OPTIONS),
    ("page", &["host", "port", "token"]),
    ("settings", &["model_flag", "gpu_id", "batch_sizes"]),
    ("store", &["format", "shard", "compression", "dtype"]),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::problem::Problems;

    fn problems(text: &str) -> Vec<String> {
        let mut problems = Problems::new(Path::new("c.yml"));
        Config::parse(Path::new("c.yml"), text, &mut problems);
        problems.list().iter().map(|problem| format!("{}: {}", problem.key, problem.text)).collect()
    }

    #[test]
    fn the_places_are_those_at_which_keys_are_read_and_there_are_no_others() {
        for (section, keys) in PLACES {
            for key in *keys {
                let at = if section.is_empty() { String::new() } else { format!("{section}.") };
                let text = if section.is_empty() { format!("{key}: \n") } else { format!("{section}: {{{key}: }}\n") };
                assert!(!problems(&text).iter().any(|told| told.starts_with(&format!("{at}{key}: unknown"))), "{text}");
            }
            let text = if section.is_empty() { "nix: 1\n".to_owned() } else { format!("{section}: {{nix: 1}}\n") };
            let told = problems(&text).into_iter().find(|told| told.contains("unknown key")).unwrap_or_default();
            let (_, known) = told.split_once("known: ").unwrap_or_default();
            let mut known: Vec<&str> = known.split(", ").collect();
            let mut keys = keys.to_vec();
            known.sort_unstable();
            keys.sort_unstable();
            assert_eq!(known, keys, "{section}");
        }
    }

    #[test]
    fn a_key_of_another_level_is_told_where_it_belongs() {
        let table = [
            ("noise_conditions: []\n", "noise_conditions: unknown key here, it belongs below `search_space`"),
            ("search_space: {seed: 1}\n", "search_space.seed: unknown key here, it belongs at the top level"),
            (
                "search_space: {batch_sizes: 1}\n",
                "search_space.batch_sizes: unknown key here, it belongs below `settings`",
            ),
            (
                "search_space: {imagenet_weights_root: i}\n",
                "search_space.imagenet_weights_root: unknown key here, it belongs below `paths`",
            ),
            ("store: {max_retries: 1}\n", "store.max_retries: unknown key here, it belongs below `scheduler`"),
            (
                "search_space: {noise_conditions: [{splits: 1}]}\n",
                "[0].splits: unknown key here, it belongs below `search_space`",
            ),
            (
                "search_space: {attribution_methods: [{n_steps: 5}]}\n",
                "[0].n_steps: unknown key, known: name, class, params, semantics; parameters belong below `params`",
            ),
        ];
        for (text, expected) in table {
            let told = problems(text);
            assert!(told.iter().any(|told| told.ends_with(expected)), "{expected}: {told:?}");
        }
    }
}
