//! `scheduler status`: how far a sweep is, whether it runs or not.
//!
//! What is done is read from the stores, who runs from the lock, what failed from the journal: each from where it
//! cannot be wrong.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use journal::{Failed, History, JournalError, Speed, Sweep, UnderWay};
use plan::exit::{Code, Failure};
use serde::Serialize;
use store::{Accuracy, Described, Ledger};
use sweep::group::Group;

use super::{ConfigArg, say};
use crate::lock::{self, Holder, Seen};
use crate::progress::duration;
use crate::survey::{self, Surveyed};

/// Tells how far every store is, who runs, what failed last, and when it will be over
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArg,

    /// Tell it as JSON
    #[arg(long)]
    json: bool,
}

/// How a sweep is. Times are seconds since 1970.
#[derive(Debug, Serialize)]
struct Status {
    running: Option<Holder>,
    /// Who had the folder on another host, and does not seem to run.
    silent: Option<Holder>,
    stores: Vec<Progress>,
    last_sweep: Option<Sweep>,
    /// What workers do now.
    under_way: Vec<UnderWay>,
    failed: Vec<Failed>,
    /// Maps a second, lately; of the sweep that runs, or of the last one.
    speed: Option<f64>,
    /// Seconds that what is missing will take at that speed.
    left: Option<f64>,
    /// Why nothing is known of earlier runs.
    journal: Option<String>,
}

/// How far one store is.
#[derive(Debug, Default, Serialize)]
struct Progress {
    name: String,
    complete: bool,
    shards_done: u64,
    maps_done: u64,
    /// Absent where neither the store nor the dataset is there to tell.
    shards: Option<u64>,
    maps: Option<u64>,
    /// Images that were predicted right, of those that were predicted and looked at.
    right: Option<u64>,
    predicted: Option<u64>,
    /// Why the weights may be those of another network.
    doubt: Option<String>,
    error: Option<String>,
}

/// Failures that are told; `--json` has all.
const TOLD: usize = 10;

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let survey = survey::survey(&args.config)?;
    let output = &survey.config.paths.output_dir;
    let shard = survey.config.settings.store.shard;
    let stores: Vec<Progress> = survey.stores.iter().map(|surveyed| progress(surveyed, &survey.keys, shard)).collect();
    let (running, silent) = match lock::holder(output) {
        Seen::Runs(holder) => (Some(holder), None),
        Seen::Silent(holder) => (None, Some(holder)),
        Seen::Nobody => (None, None),
    };
    let mut status = Status {
        running,
        silent,
        stores,
        last_sweep: None,
        under_way: Vec::new(),
        failed: Vec::new(),
        speed: None,
        left: None,
        journal: None,
    };
    if let Err(error) = recall(&mut status, History::open(&journal::file(output))) {
        status.journal = Some(error.to_string());
    }
    if args.json {
        let text = serde_json::to_string_pretty(&status);
        let failed = |error: serde_json::Error| Failure { code: Code::Storage, text: error.to_string() };
        say(&(text.map_err(failed)? + "\n"));
    } else {
        say(&told(&status));
    }
    Ok(Code::Complete)
}

/// What the journal adds to `status`.
fn recall(status: &mut Status, history: Result<Option<History>, JournalError>) -> Result<(), JournalError> {
    let Some(history) = history? else { return Ok(()) };
    status.last_sweep = history.last_sweep()?;
    status.failed = history.failed_units()?;
    let sweep = status.last_sweep.as_ref().map(|sweep| sweep.id);
    // Just begun, the sweep that runs is not in the journal yet.
    let running = status.last_sweep.as_ref().zip(status.running.as_ref()).filter(|(last, by)| last.pid == by.pid);
    if let Some((sweep, _)) = running {
        status.under_way = history.under_way(sweep.id)?;
    }
    let speed = sweep.map(|sweep| history.speed(sweep)).transpose()?.flatten();
    status.speed = speed.map(|Speed { maps, seconds }| maps as f64 / seconds);
    let missing: Option<u64> =
        status.stores.iter().map(|store| Some(store.maps?.saturating_sub(store.maps_done))).sum();
    status.left = missing.zip(status.speed).map(|(missing, speed)| missing as f64 / speed);
    Ok(())
}

fn progress(surveyed: &Surveyed, keys: &[String], shard: u64) -> Progress {
    let name = surveyed.name.clone();
    let maps_of = |images: u64| images * keys.len() as u64;
    let planned = Progress {
        name,
        shards: surveyed.images.map(|images| images.div_ceil(shard)),
        maps: surveyed.images.map(maps_of),
        ..Progress::default()
    };
    match &surveyed.state {
        Ok(None) => planned,
        Err(error) => Progress { error: Some(error.to_string()), ..planned },
        Ok(Some(described)) => match counted(described, surveyed.images, keys) {
            Ok(counted) => Progress { name: planned.name, ..counted },
            Err(error) => Progress { error: Some(error.to_string()), ..planned },
        },
    }
}

/// Shards and maps that are there, of what the config asks for now.
fn counted(described: &Described, asked: Option<u64>, keys: &[String]) -> Result<Progress, store::StoreError> {
    let wanted: BTreeSet<&String> = keys.iter().collect();
    let variants: Vec<_> =
        described.group.variants.iter().filter(|variant| wanted.contains(&variant.key)).cloned().collect();
    let group = Group { variants, ..described.group.clone() };
    let images = asked.map_or(group.images, |asked| asked.max(group.images));
    let ledger = Ledger::read(&group)?;
    let begun = group.variants.len() == keys.len();
    let (mut shards_done, mut maps_done) = (0, 0);
    for shard in 0..group.shards() {
        let range = group.range(shard);
        // A short last shard is made anew once there are more images.
        if range.end < images && range.end - range.start < group.shard {
            continue;
        }
        shards_done += u64::from(begun && ledger.is_done(&group, shard));
        let there = group.variants.iter().filter(|variant| ledger.has_variant(&group, variant, shard)).count();
        maps_done += there as u64 * (range.end - range.start);
    }
    let accuracy = Accuracy::of(&group, &ledger).ok().flatten();
    Ok(Progress {
        right: accuracy.map(|accuracy| accuracy.right),
        predicted: accuracy.map(|accuracy| accuracy.predicted),
        doubt: accuracy.and_then(|accuracy| accuracy.doubt(group.noise.kind == "none")),
        complete: described.complete && begun && images == group.images,
        shards_done,
        maps_done,
        shards: Some(images.div_ceil(group.shard)),
        maps: Some(images * keys.len() as u64),
        ..Progress::default()
    })
}

fn told(status: &Status) -> String {
    let mut text = match &status.running {
        Some(holder) => {
            let since = ago(holder.since as f64);
            format!("Running: process {} on {}, for {since}.\n", holder.pid, holder.host)
        }
        None => "Not running.\n".to_owned(),
    };
    if let Some(Holder { pid, host, .. }) = &status.silent {
        let _ = writeln!(
            text,
            "  silent    process {pid} on {host}, which did not give the folder back: it has ended, or is stopped"
        );
    }
    for UnderWay { unit, device, pid, started, .. } in &status.under_way {
        let process = pid.map_or_else(|| "a process".to_owned(), |pid| format!("process {pid}"));
        let _ = writeln!(text, "  at work   {process} on {device}: {unit}, for {}", ago(*started));
    }
    for store in &status.stores {
        let _ = writeln!(text, "  {}", line(store));
    }
    if let Some(left) = status.left.filter(|left| *left > 0.0) {
        let (speed, left) = (status.speed.unwrap_or_default(), duration(left));
        let _ = match status.running {
            Some(_) => writeln!(text, "About {left} left, at {speed:.1} maps/s."),
            None => writeln!(text, "What is missing takes about {left} at the last run's {speed:.1} maps/s."),
        };
    }
    if let (None, Some(last)) = (&status.running, &status.last_sweep) {
        let outcome = last.outcome.as_deref().unwrap_or("killed, or cut off by a failing machine");
        let _ = writeln!(text, "The last run began {} ago; its end: {outcome}.", ago(last.started));
    }
    text += &failures(&status.failed);
    if let Some(reason) = &status.journal {
        let _ = writeln!(text, "Of earlier runs nothing is known: {reason}");
    }
    text
}

/// The first of the units that failed.
fn failures(failed: &[Failed]) -> String {
    let mut text = String::new();
    if failed.is_empty() {
        return text;
    }
    let _ = writeln!(text, "{} units failed at their last attempt (scheduler retry --failed):", failed.len());
    for Failed { unit, class, error, .. } in failed.iter().take(TOLD) {
        let _ = writeln!(text, "  {unit}: {class}: {error}");
    }
    if failed.len() > TOLD {
        let _ = writeln!(text, "  and {} more", failed.len() - TOLD);
    }
    text
}

fn line(store: &Progress) -> String {
    let Progress { name, maps_done, shards_done, maps, shards, .. } = store;
    match (&store.error, maps, shards) {
        (Some(error), ..) => format!("unusable  {name}: {error}"),
        (None, Some(maps), Some(shards)) => {
            let state = if store.complete { "complete" } else { "to do" };
            let right = match (store.right, store.predicted) {
                (Some(right), Some(predicted)) => format!(", {right} of {predicted} images predicted right"),
                _ => String::new(),
            };
            let doubt = store.doubt.as_ref().map(|doubt| format!(" (these are {doubt})")).unwrap_or_default();
            format!("{state:9} {name}: {maps_done} of {maps} maps, {shards_done} of {shards} shards{right}{doubt}")
        }
        _ => format!("to do     {name}: the dataset is not there"),
    }
}

/// Time since `moment`, for people.
fn ago(moment: f64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    duration(now.as_secs_f64() - moment)
}
