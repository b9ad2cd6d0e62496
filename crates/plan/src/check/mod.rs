//! Checks of a config and of everything that the config names: all mistakes are reported at once, and nothing is written.

mod datasets;
mod evaluation;
mod grid;
pub(crate) mod means;
mod methods;
mod slots;
pub(crate) mod stores;
mod weights;

use std::path::Path;

use fleet::launchers::{self, Offer};
use fleet::{Reservation, Worker};
use sweep::config::Config;
use sweep::problem::Problems;
use sweep::variant::windows_in_lists;

use crate::batches::Batches;
use crate::checked::Checked;
use crate::exit::{Code, Failure};
use crate::wishes::Wishes;
pub use means::Means;
use slots::slots;
pub use stores::theirs::Theirs;
use stores::{planned, refuse, theirs};
pub use weights::{find as find_weights, of_variant as find_weights_of_variant};

/// Checks the config `file`, with `wishes`, and everything that the config names.
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
    let launcher = launchers::build(config.settings.launcher.as_ref(), &mut problems);
    let format = stores::format(&config, &mut problems);
    let variants = methods::variants(&config, &catalogue, &mut problems);
    let noises = methods::noises(&config, &mut problems);
    let flags = data::datasets::flags(&config, &mut problems);
    let datasets = datasets::open(&config, &flags, &mut problems);
    let models = weights::read(&config, &catalogue, &flags, (worker, &variants), &mut problems)?;
    let mut means = Means::find(&config, &flags, &variants, &mut problems);
    let groups = grid::groups(&config, &datasets, &models, &noises, &variants, &mut problems);
    let (mut groups, mut theirs) = theirs::sort(groups, &config, wishes.adopts, &mut problems);
    evaluation::attach(&mut groups, &config, &mut problems);
    means.find_of_groups(groups.iter().map(|(group, _)| group), &mut problems);
    for (group, _) in &mut groups {
        if let Err(misfit) = means.attach(group) {
            problems.add(0, "paths.means_dir", format!("{misfit} ({} for `{}`)", group.model, group.dataset));
        }
    }
    // What is left alone is no mistake of the config.
    let all = || groups.iter().map(|(group, _)| group).chain(theirs.iter().map(|theirs| &theirs.group));
    weights::expect::check(&config.settings.expect, all(), &mut problems);
    weights::normalize::check(&config.settings.normalize, all(), &mut problems);
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
    let Offer { slots, warnings: of_slots } = slots(&config, launcher.as_ref())?;
    let (batches, mut warnings) = Batches::read(&config, &catalogue.libtorch);
    warnings.extend(methods::without_variant(&config, &variants));
    warnings.extend(methods::in_half_precision(&config, &variants, &catalogue));
    warnings.extend(data::datasets::skipped(&config));
    warnings.extend(datasets::without_labels(&datasets));
    warnings.extend(means.notes().iter().cloned());
    warnings.extend(of_slots);
    warnings.extend(weights::notes(&models));
    let methods = config.search_space.methods.iter();
    let windows =
        methods.flat_map(|method| windows_in_lists(&method.params).into_iter().map(|told| (&method.name, told)));
    warnings.extend(windows.map(|(name, told)| format!("`{name}`: {told}")));
    if wishes.adopts {
        // Compared and not computed: with the mean images of their methods.
        groups = theirs::give_back(groups, &mut theirs);
    }
    let groups = groups.into_iter().map(|(group, labels)| {
        let names = (group.dataset.clone(), group.model.clone());
        let layers = models.get(&names).map(|model| &model.checkpoint.layers);
        planned(group, labels, (&catalogue.libtorch, layers), (format, config.reference))
    });
    let (groups, mismatches): (Vec<_>, Vec<_>) = groups.partition(Result::is_ok);
    let mismatches = mismatches.into_iter().filter_map(Result::err).collect();
    if !config.evaluation.is_empty() {
        let adopted = theirs.iter().filter(|theirs| theirs.record.is_some());
        warnings
            .extend(adopted.map(|theirs| format!("`{}` was adopted: its maps are not scored", theirs.place.display())));
    }
    warnings.extend(theirs.iter().filter(|theirs| theirs.record.is_none()).map(|theirs| theirs.warning().to_string()));
    refuse(mismatches)?;
    Ok(Checked {
        config,
        slots,
        launcher,
        groups: groups.into_iter().filter_map(Result::ok).collect(),
        means,
        batches,
        format,
        warnings,
        theirs,
        reservation: Reservation::default(),
    })
}
