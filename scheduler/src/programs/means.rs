//! `means`: writes the mean image of every dataset of a config to the place where methods look for it.
//!
//! The scheduler computes missing mean images by itself. This program makes them before a sweep, or anew.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use data::datasets;
use data::formats::Options;
use data::mean::{self, Found, Job, MeanError, Place};
use plan::exit::{Code, Failure};
use sweep::config::{Config, MeanOf};
use sweep::problem::Problems;

/// Exit codes, for `--help`. They are those of the scheduler.
pub(super) const HELP: &str = "\
Exit codes:
  0    every dataset of the config has its mean image
  2    wrong arguments
  3    mistakes in the config, or in the files that it names
  6    the means folder cannot be written: full or read-only";

/// Computes the mean image of every dataset of a config file, over its train split or the one that `mean_of` names
///
/// Writes `<means_dir>/<flag>_mean.pt`, which `torch.load` opens as a float32 tensor [3, height, width] of images
/// scaled to [-1, 1], or as `normalize` says. A file that is there is kept.
#[derive(Debug, Parser)]
#[command(name = "means", version, after_help = HELP)]
pub(super) struct Cli {
    /// Config file of the sweep
    #[arg(long, value_name = "YAML", default_value = sweep::config::DEFAULT_FILE, value_hint = clap::ValueHint::FilePath)]
    config: PathBuf,

    /// Compute and write also what is there already
    #[arg(long)]
    force: bool,
}

/// Mean image of one dataset, that exists or will be made.
struct Planned {
    file: PathBuf,
    /// Job that computes the mean image; `None` for a file that is kept.
    job: Option<Job>,
}

/// Writes the mean images that the command line asks for.
pub(super) fn run(cli: &Cli) -> Result<Code, Failure> {
    for planned in plan(&cli.config, cli.force)? {
        make(&planned)?;
    }
    Ok(Code::Complete)
}

/// Lists the mean image of every dataset, if the config and its files have no mistake. Nothing is written.
fn plan(file: &Path, force: bool) -> Result<Vec<Planned>, Problems> {
    let mut problems = Problems::new(file);
    let mut planned = Vec::new();
    if let Some(config) = Config::read(file, &mut problems) {
        for line in datasets::skipped(&config) {
            let _ = writeln!(std::io::stderr(), "warning: {line}");
        }
        if config.settings.mean_of == MeanOf::Group {
            let text = "mean images are of the images of each group, with their noise; the scheduler makes them before it begins";
            problems.add(0, "mean_of", text);
            return Err(problems);
        }
        for (flag, line) in datasets::flags(&config, &mut problems) {
            planned.extend(of_dataset(&config, (&flag, line), force, &mut problems));
        }
    }
    problems.into_result().map(|()| planned)
}

/// Mean images of one dataset: one for each normalization that models of the config want.
fn of_dataset(config: &Config, (flag, line): (&str, u64), force: bool, problems: &mut Problems) -> Vec<Planned> {
    let Some(dataset) = datasets::locate(config, (flag, line), problems) else { return Vec::new() };
    let how = Options::of(config);
    let mut planned: Vec<Planned> = Vec::new();
    for (model, _) in &config.search_space.model_flags {
        let Some(place) = Place::of(config, flag, model) else { break };
        let file = place.file();
        if planned.iter().any(|planned| planned.file == file) {
            continue;
        }
        let found =
            if force { Job::new(place, &dataset, &how).map(Found::Missing) } else { mean::find(place, &dataset, &how) };
        match found {
            Ok(Found::Missing(job)) => planned.push(Planned { file: job.file.clone(), job: Some(job) }),
            Ok(Found::There(_)) => planned.push(Planned { file, job: None }),
            Err(error) => {
                let advice = if matches!(error, MeanError::Content { .. }) { "; `--force` makes it anew" } else { "" };
                problems.add(line, datasets::KEY, format!("{}{advice}", error.text()));
                break;
            }
        }
    }
    planned
}

/// Makes one mean image, if need be, and reports it in one line.
fn make(planned: &Planned) -> Result<(), MeanError> {
    let (file, started) = (planned.file.display(), Instant::now());
    let line = match &planned.job {
        None => format!("kept     {file}"),
        Some(job) => {
            let (_, images) = job.run()?;
            format!("written  {file}  {images} images  {:.1} s", started.elapsed().as_secs_f64())
        }
    };
    let _ = writeln!(std::io::stdout(), "{line}");
    Ok(())
}
