//! From a config to units: everything is checked before anything is started.
//!
//! For programs that run a sweep or prepare one: nothing here waits for a worker that computes.

pub mod batches;
mod begin;
mod datasets;
pub mod exit;
mod expect;
mod grid;
mod means;
mod methods;
mod pieces;
pub mod profile;
mod weights;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleet::launchers::{self, Offer, Wanted};
use fleet::{FleetError, Reservation, Slot, Worker};
use serde_json::json;
use store::{Facts, LAYERS, Labels, StoreError};
use sweep::config::{Config, Devices};
use sweep::fingerprint;
use sweep::group::Group;
use sweep::problem::{Problems, nearest};
use sweep::variant::windows_in_lists;

use crate::exit::{Code, Failure};
pub use batches::Batches;
pub use begin::Plan;
pub use means::Means;
pub use weights::find as find_weights;

/// A sweep whose config and files are sound and whose stores can be gone on with. Nothing is written yet.
#[derive(Debug)]
pub struct Checked {
    /// The config.
    pub config: Config,
    /// Places for workers.
    pub slots: Vec<Slot>,
    /// How workers are started.
    pub launcher: &'static launchers::Entry,
    /// Every group, in the order of the config.
    pub groups: Vec<Planned>,
    /// Mean images.
    pub means: Means,
    /// Batch sizes.
    pub batches: Batches,
    /// What a person should know, though nothing is wrong with the config.
    pub warnings: Vec<String>,
    reservation: Reservation,
}

/// A group and what its store needs to be made and closed.
#[derive(Debug)]
pub struct Planned {
    /// The group.
    pub group: Arc<Group>,
    /// What its store records of where it comes from.
    pub facts: Facts,
    labels: Labels,
    /// Whether the store says that everything was written.
    pub complete: bool,
}

/// What a command line asks for in place of what the config says.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Bytes that a worker on the CPU may hold.
    pub memory: Option<u64>,
    /// This GPU only.
    pub gpu: Option<u32>,
    /// At most so many images of each split.
    pub limit: Option<u64>,
    /// Folder of the stores.
    pub output: Option<PathBuf>,
    /// File of batch sizes.
    pub results: Option<PathBuf>,
}

impl Wishes {
    /// Puts them in place of what `config` says.
    pub fn apply(&self, config: &mut Config) {
        let settings = &mut config.settings;
        settings.memory = self.memory.or(settings.memory);
        settings.devices = self.gpu.map(|gpu| Devices::Gpus(vec![gpu])).or(settings.devices.take());
        settings.limit = self.limit.map(|limit| limit.min(settings.limit.unwrap_or(u64::MAX))).or(settings.limit);
        if let Some(output) = &self.output {
            config.paths.output_dir.clone_from(output);
        }
        if let Some(results) = &self.results {
            // No line of the config names it.
            config.preflight.results_path = Some((results.clone(), 0));
        }
    }
}

/// Checks the config `file`, with `wishes`, and everything that it names.
pub fn check(file: &Path, worker: &Worker, wishes: &Wishes) -> Result<Checked, Failure> {
    let mut problems = Problems::new(file);
    let Some(mut config) = Config::read(file, &mut problems) else {
        return Err(problems.into());
    };
    wishes.apply(&mut config);
    let catalogue = worker.catalogue()?;
    if catalogue.version != env!("CARGO_PKG_VERSION") {
        let (theirs, ours) = (catalogue.version, env!("CARGO_PKG_VERSION"));
        let text =
            format!("`{}` has version {theirs} and the scheduler {ours}: build both", worker.program().display());
        return Err(Failure { code: Code::Workers, text });
    }
    let launcher = launcher(&config, &mut problems);
    let variants = methods::variants(&config, &catalogue, &mut problems);
    let noises = methods::noises(&config, &mut problems);
    let flags = data::datasets::flags(&config, &mut problems);
    let datasets = datasets::open(&config, &flags, &mut problems);
    let models = weights::read(&config, &catalogue, &flags, (worker, &variants), &mut problems)?;
    let means = Means::find(&config, &flags, &variants, &mut problems);
    let mut groups = grid::groups(&config, &datasets, &models, &noises, &variants, &mut problems);
    for (group, _) in &mut groups {
        if let Err(misfit) = means.attach(group) {
            problems.add(0, "paths.means_dir", format!("{misfit} ({} for `{}`)", group.model, group.dataset));
        }
    }
    expect::check(&config.settings.expect, groups.iter().map(|(group, _)| group), &mut problems);
    let output = &config.paths.output_dir;
    if output.exists() && !output.is_dir() {
        problems.add(0, "paths.final_output_dir", format!("`{}` is a file, expected a folder", output.display()));
    }
    for file in Batches::files(&config).into_iter().filter(|file| file.is_dir()) {
        let line = config.preflight.results_path.as_ref().map_or(0, |(_, line)| *line);
        let text = format!("`{}` is a folder, expected a file of batch sizes", file.display());
        problems.add(line, "preflight_check.results_path", text);
    }
    problems.into_result()?;
    let launcher = launcher.unwrap_or(launchers::LAUNCHERS[0]);
    let Offer { slots, warnings: of_slots } = slots(&config, launcher)?;
    let (batches, mut warnings) = Batches::read(&config, &catalogue.libtorch);
    warnings.extend(data::datasets::skipped(&config));
    warnings.extend(datasets::without_labels(&datasets));
    warnings.extend(of_slots);
    warnings.extend(weights::notes(&models));
    let methods = config.search_space.methods.iter();
    let windows =
        methods.flat_map(|method| windows_in_lists(&method.params).into_iter().map(|told| (&method.name, told)));
    warnings.extend(windows.map(|(name, told)| format!("`{name}`: {told}")));
    let groups = groups.into_iter().map(|(group, labels)| {
        let names = (group.dataset.clone(), group.model.clone());
        let layers = models.get(&names).map(|(_, checkpoint)| &checkpoint.layers);
        planned(group, labels, (&catalogue.libtorch, layers))
    });
    let (groups, mismatches): (Vec<_>, Vec<_>) = groups.partition(Result::is_ok);
    let (theirs, mismatches): (Vec<_>, Vec<_>) =
        mismatches.into_iter().filter_map(Result::err).partition(|error| matches!(error, StoreError::Theirs { .. }));
    warnings.extend(theirs.iter().map(ToString::to_string));
    refuse(mismatches)?;
    Ok(Checked {
        config,
        slots,
        launcher,
        groups: groups.into_iter().filter_map(Result::ok).collect(),
        means,
        batches,
        warnings,
        reservation: Reservation::default(),
    })
}

/// The slots that `launcher` has for the config, each with the memory that its worker may hold.
fn slots(config: &Config, launcher: &launchers::Entry) -> Result<Offer, FleetError> {
    let launcher = (launcher.build)();
    let survivors = fleet::survivors(&config.paths.output_dir, launcher.as_ref());
    let (threads, memory) = (config.settings.threads, config.settings.memory);
    launcher.offer(&Wanted { devices: &config.devices(), threads, memory, survivors: &survivors })
}

fn launcher(config: &Config, problems: &mut Problems) -> Option<&'static launchers::Entry> {
    let name = config.settings.launcher.as_ref();
    let found = launchers::find(name.map(|(name, _)| name.as_str()));
    if let (None, Some((name, line))) = (found, name) {
        let hint = nearest(name, launchers::LAUNCHERS.iter().map(|entry| entry.name));
        problems.add(*line, "launcher", format!("unknown launcher `{name}`, {hint}"));
    }
    found
}

/// `layers` are those that variants look at which name none.
fn planned(
    group: Group,
    labels: Labels,
    (libtorch, layers): (&str, Option<&BTreeMap<String, String>>),
) -> Result<Planned, StoreError> {
    let program = format!("attrisweep {}", env!("CARGO_PKG_VERSION"));
    let mut provenance =
        json!({"program": program, "libtorch": libtorch, "weights": group.weights, "images": group.images_file});
    if let Some(layers) = layers.filter(|layers| !layers.is_empty()) {
        provenance[LAYERS] = json!(layers);
    }
    let facts = Facts { fingerprint: fingerprint::of_group(&group), provenance, computed_by: BTreeSet::new() };
    let complete = store::inspect(&group, &facts)?.unwrap_or(false);
    Ok(Planned { group: Arc::new(group), facts, labels, complete })
}

/// All stores that stand in the way, told at once.
fn refuse(errors: Vec<StoreError>) -> Result<(), Failure> {
    let failures: Vec<Failure> = errors.into_iter().map(Failure::from).collect();
    let Some(first) = failures.first() else { return Ok(()) };
    let advice = "go on with the old config, or move the store away or choose another final_output_dir";
    let told = failures.iter().map(|failure| failure.text.clone()).collect::<Vec<_>>().join("\n  ");
    let text = if first.code == Code::Mismatch { format!("{told}\n  ({advice})") } else { told };
    Err(Failure { code: first.code, text })
}
