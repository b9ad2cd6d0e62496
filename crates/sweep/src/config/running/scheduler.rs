//! `scheduler` and `preflight_check`.

use std::path::PathBuf;

use crate::config::experiments::Proposed;
use crate::yaml::{Fields, Value, read};

/// Retries and deadlines.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheduler {
    /// GPU indices, as nvidia-smi counts them. `devices` is used instead, if it is given.
    pub available_gpus: Option<Vec<u32>>,
    /// Number of times that a unit that failed is tried again. The loss of a worker does not count as a failure of its unit.
    pub max_retries: u32,
    /// Longest time that one unit may take before its worker is taken for hung, in seconds.
    pub task_timeout: f64,
}

impl Default for Scheduler {
    fn default() -> Self {
        Self { available_gpus: None, max_retries: 1, task_timeout: 288_000.0 }
    }
}

impl Scheduler {
    pub(in crate::config) fn read(mut fields: Fields<'_>) -> Self {
        let default = Self::default();
        let index = |value: &_| read::integer(0, 1023)(value).map(|index| index as u32);
        let gpus = fields.list("available_gpus", index);
        let scheduler = Self {
            available_gpus: gpus.map(|list| list.into_iter().map(|(index, _)| index).collect()),
            max_retries: fields
                .optional("max_retries", read::integer(0, 100))
                .map_or(default.max_retries, |n| n as u32),
            task_timeout: fields.optional("task_timeout", read::seconds).unwrap_or(default.task_timeout),
        };
        // Workers report by themselves: there is nothing to poll.
        fields.optional("polling_interval", read::seconds);
        // One worker per GPU keeps the device busy by itself.
        fields.optional("max_tasks_per_gpu", read::integer(1, 1));
        fields.finish();
        scheduler
    }
}

/// Sources of batch sizes: `preflight_results.json` maps model -> method key -> images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preflight {
    /// Whether the config asks for a probe before the sweep.
    pub enabled: bool,
    /// The results file, and the line that names it.
    pub results_path: Option<(PathBuf, u64)>,
    /// Batch sizes that the config itself proposes, under `settings.batch_sizes`.
    pub proposed: Proposed,
}

impl Preflight {
    pub(in crate::config) fn read(mut fields: Fields<'_>) -> Self {
        let line = fields.line_of("results_path");
        let preflight = Self {
            enabled: fields.optional("enabled", read::boolean).unwrap_or(false),
            results_path: fields.optional("results_path", results_file).map(|path| (path, line)),
            proposed: Proposed::default(),
        };
        exempt(&mut fields);
        for key in ["subset_size", "start_batch_size", "binary_search_depth"] {
            fields.optional(key, read::integer(1, 1 << 20));
        }
        fields.finish();
        preflight
    }
}

/// Reads the path of a results file. The file is written anew, whatever it holds, so its name must not be that of a file of
/// another kind.
fn results_file(value: &Value) -> Result<PathBuf, String> {
    let path = read::path(value)?;
    let own = path.extension().is_some_and(|extension| extension == "json");
    if own && path.file_name().is_some_and(|name| name != "preflight_profile.json") {
        return Ok(path);
    }
    Err("a file `*.json`, such as `preflight_results.json`".to_owned())
}

/// Checks the batch sizes of methods that the reference's preflight does not probe. They are not used, as they suit the memory of
/// another program.
fn exempt(fields: &mut Fields<'_>) {
    let Some(node) = fields.node("exempt_methods") else { return };
    let Value::Map(entries) = &node.value else {
        fields.problem("exempt_methods", format!("found {}, expected a mapping", node.value.found()));
        return;
    };
    for (entry, value) in entries {
        if let Err(expected) = read::integer(1, 1 << 20)(&value.value) {
            let text = format!("{}: found {}, expected {expected}", entry.name, value.value.found());
            fields.problem("exempt_methods", text);
        }
    }
}
