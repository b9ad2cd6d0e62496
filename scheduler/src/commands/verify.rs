//! `scheduler verify`: reads every store of a config back, and lists what is to be done anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::num::NonZero;
use std::path::Path;
use std::thread::available_parallelism;

use plan::exit::{Code, Failure};
use store::Described;
use store::families::MEANS;
use store::verify::{Fault, Finding, Report, Truth};

use super::{ConfigArg, ranges, sample, say};
use crate::lock;
use crate::survey::{self, Survey, Surveyed};

/// The documented codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0   everything that the config asks for is there and sound
  1   what is there is sound, and something is not there yet
  2   wrong arguments
  3   mistakes in the config
  6   a store cannot be read; with --redo also: it cannot be written, or a scheduler is running
  7   something is there that must not be used, and the same command with --redo has it done anew; or something could
      not be compared, as the dataset, the weights or the worker is not there";

/// Reads every shard of every store back: checksums, shapes, types, NaN and infinity, labels, means, metadata.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArg,

    /// Images of each store that are made again, and on which the model is run again; 0 for none, and for no maps
    ///
    /// One map of each variant at least is computed again, too, by plain operations. Needs a worker program; all other checks do
    /// not.
    #[arg(long, value_name = "N", default_value_t = 4)]
    sample: u64,

    /// Seconds for which further maps of each store are computed again [default: 20, and 300 for all stores together]
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,

    /// Which images are in the sample
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,

    /// Remove what is damaged, so that the next run makes it anew; no scheduler may be running
    #[arg(long)]
    redo: bool,

    /// Files that are read at once [default: one a core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,

    /// Worker program, if it is not beside this one
    #[arg(long, value_name = "FILE", env = "ATTRISWEEP_WORKER")]
    worker: Option<std::path::PathBuf>,
}

/// What was found in one store, and what it said of itself.
pub(crate) struct Read<'a> {
    pub(crate) surveyed: &'a Surveyed,
    pub(crate) described: &'a Described,
    pub(crate) report: Report,
    /// Maps that were computed again.
    pub(crate) maps: Option<u64>,
}

/// How all stores are, together.
#[derive(Default)]
struct Verdict {
    unsound: usize,
    absent: bool,
    /// Whether something unsound was left where it is, as its store is of another version.
    kept: bool,
    /// Where something could not be compared.
    unknown: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let survey = survey::survey(&args.config)?;
    // Held to the end: nobody may write what is being removed.
    let lock = args.redo.then(|| lock::take(&survey.config.paths.output_dir)).transpose()?;
    let threads = args.threads.or_else(|| available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN);
    let mut verdict = Verdict::default();
    let mut stores = Vec::new();
    for surveyed in &survey.stores {
        stores.extend(read(&survey, surveyed, threads, &mut verdict)?);
    }
    if args.sample > 0 {
        let worker = fleet::Worker::locate(args.worker.clone());
        let sample = sample::Sample {
            images: args.sample,
            seed: args.seed,
            threads: threads.get(),
            seconds: seconds(args.seconds, stores.len()),
        };
        verdict.unknown.extend(sample::compare(&survey, &mut stores, &worker, sample));
    }
    for store in &mut stores {
        store.report.findings.sort();
        store.report.findings.dedup();
        tell(&survey, store, &mut verdict);
        if let Some(lock) = &lock {
            if let Some(text) = lock.lost() {
                return Err(Failure { code: Code::Storage, text });
            }
            verdict.kept |= !redo(store)?;
        }
    }
    conclude(&verdict, args.redo)
}

/// Seconds for the maps of each of so many stores.
fn seconds(asked: Option<u64>, stores: usize) -> f64 {
    const EACH: f64 = 20.0;
    const ALL: f64 = 300.0;
    asked.map_or_else(|| EACH.min(ALL / stores.max(1) as f64), |seconds| seconds as f64)
}

/// Reads one store back; `None` where there is none.
fn read<'a>(
    survey: &Survey,
    surveyed: &'a Surveyed,
    threads: NonZero<usize>,
    verdict: &mut Verdict,
) -> Result<Option<Read<'a>>, Failure> {
    let described = match &surveyed.state {
        Ok(Some(described)) => described,
        Ok(None) => {
            say(&format!("{}: not begun\n", surveyed.name));
            verdict.absent = true;
            return Ok(None);
        }
        Err(error) => {
            say(&format!("{}: {error}\n", surveyed.name));
            verdict.unsound += 1;
            return Ok(None);
        }
    };
    let truth = truth(survey, surveyed, described).map_err(|reason| {
        verdict.unknown.push(format!("{}: labels were not compared: {reason}", surveyed.name));
    });
    let report = store::verify::verify(described, truth.as_ref().ok(), threads)?;
    Ok(Some(Read { surveyed, described, report, maps: None }))
}

/// What the dataset says, if it is the one that the store was made of. The error is one sentence.
fn truth(survey: &Survey, surveyed: &Surveyed, described: &Described) -> Result<Truth, String> {
    let (_, mut source) = survey::source(&survey.config, &surveyed.flag, surveyed.split)?;
    let group = &described.group;
    if source.content() != group.data || source.len() < group.images {
        return Err("the dataset is not the one that the store was made of".to_owned());
    }
    let mut labels = source.labels().map_err(|error| error.to_string())?;
    labels.values.truncate(group.images as usize * labels.width);
    Ok(Truth { width: labels.width, labels: labels.values })
}

/// Tells what was found in one store.
fn tell(survey: &Survey, Read { surveyed, described, report, maps }: &Read<'_>, verdict: &mut Verdict) {
    let (mut text, folder) = (String::new(), &surveyed.folder);
    let (absent, unsound): (Vec<_>, Vec<_>) = report.findings.iter().partition(|found| found.fault == Fault::Absent);
    let of_maps = maps.map_or_else(String::new, |maps| format!("; {maps} maps were computed again"));
    let _ = writeln!(text, "{}: {} files are sound{of_maps}", surveyed.name, report.sound);
    for Finding { file, fault } in &unsound {
        let Fault::Unsound(reason) = fault else { continue };
        let _ = writeln!(text, "  unsound: {}: {reason}", file.display());
    }
    for file in &report.strangers {
        let _ = writeln!(text, "  not ours, and left alone: {}", file.display());
    }
    for line in lacking(survey, surveyed, described, &absent) {
        let _ = writeln!(text, "  not there yet: {line}");
        verdict.absent = true;
    }
    if absent.is_empty() && !described.complete && unsound.is_empty() {
        let _ =
            writeln!(text, "  not there yet: the mark of a complete store, in {}", folder.join("zarr.json").display());
        verdict.absent = true;
    }
    verdict.unsound += unsound.len();
    say(&text);
}

/// What is not there: shards together, other files by name; images and variants that the config asks for besides.
fn lacking(survey: &Survey, surveyed: &Surveyed, described: &Described, absent: &[&Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    let (group, mut shards) = (&described.group, BTreeSet::new());
    let means = surveyed.folder.join(MEANS.path);
    for Finding { file, .. } in absent {
        match shard_of(file) {
            Some(shard) if !file.starts_with(&means) => drop(shards.insert(shard)),
            _ => lines.push(file.display().to_string()),
        }
    }
    if !shards.is_empty() {
        let count = shards.len();
        lines.push(format!("something of shards {} ({count} of {})", ranges(shards), group.shards()));
    }
    let begun =
        |key: &&String| group.variants.iter().any(|variant| variant.key == **key) && described.asked.contains(*key);
    let new: Vec<&str> = survey.keys.iter().filter(|key| !begun(key)).map(String::as_str).collect();
    if !new.is_empty() {
        lines.push(format!("variants that the config asks for: {}", new.join(", ")));
    }
    if let Some(images) = surveyed.images.filter(|images| *images > group.images) {
        lines.push(format!("images {} to {}", group.images, images - 1));
    }
    lines
}

fn shard_of(file: &Path) -> Option<u64> {
    file.file_name()?.to_str()?.strip_prefix("c.")?.split('.').next()?.parse().ok()
}

/// Removes what is unsound in a store; whether it did.
fn redo(Read { surveyed, described, report, .. }: &Read<'_>) -> Result<bool, Failure> {
    let is_unsound = report.findings.iter().any(|found| found.fault != Fault::Absent);
    if is_unsound && described.results_version != Some(sweep::RESULTS_VERSION.into()) {
        // What was removed would stay away: no run of this program goes on with the store.
        say(&format!(
            "  nothing was removed: this program computes other numbers (results_version {}); move {} away, and the next run makes it anew\n",
            sweep::RESULTS_VERSION,
            surveyed.folder.display()
        ));
        return Ok(false);
    }
    let redone = store::verify::redo(described, &report.findings, &format!("verify-{}", std::process::id()))?;
    let mut text = String::new();
    for file in &redone.removed {
        let _ = writeln!(text, "  removed: {}", file.display());
    }
    for file in &redone.left {
        let _ = writeln!(text, "  left, as the last config did not ask for it: {}", file.display());
    }
    say(&text);
    Ok(true)
}

fn conclude(verdict: &Verdict, redo: bool) -> Result<Code, Failure> {
    for line in &verdict.unknown {
        say(&format!("{line}\n"));
    }
    let failure = |code, text: String| Err(Failure { code, text });
    match (verdict.unsound, verdict.absent) {
        (0, false) if verdict.unknown.is_empty() => {
            say("Everything is there and sound.\n");
            Ok(Code::Complete)
        }
        (0, _) if !verdict.unknown.is_empty() => {
            failure(Code::Unsound, "nothing unsound was found, but not everything could be compared".to_owned())
        }
        (0, _) => failure(Code::Incomplete, "what is there is sound; the sweep is not complete".to_owned()),
        (count, _) if verdict.kept => failure(
            Code::Unsound,
            format!(
                "{count} files were unsound; move the stores away of which nothing was removed, and run the sweep again"
            ),
        ),
        (count, _) if redo => failure(Code::Unsound, format!("{count} files were unsound; run the sweep again")),
        (count, _) => failure(
            Code::Unsound,
            format!("{count} files are unsound; --redo removes them, and the next run makes them anew"),
        ),
    }
}
