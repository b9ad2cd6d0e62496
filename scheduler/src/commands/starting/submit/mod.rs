//! `scheduler submit`: puts the scheduler itself into a job of the cluster, and follows the job.
//!
//! A login node is no place for a process that lives for days. What is followed is on the disk, so that another process on another
//! machine can follow as well, and the one that follows may end whenever it wants.

mod follow;
mod note;

use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fleet::launchers::{Errand, Launcher, State};
use plan::exit::{Code, Failure};

use super::sweep::{Scope, sweep};
use crate::commands::SweepArgs;
use crate::lock::{self, Seen};
use crate::tell::say;
use note::Note;

/// The documented codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    everything that the config asks for is written; with --detach, the job is in the queue
  1    some units failed; the rest is written, and the log says why
  2    wrong arguments
  3    mistakes in the config, or in the files that it names; nothing was submitted
  4    a store was computed from something else, or a job that has not ended has another config; nothing was touched
  5    the launcher has no queue or refuses the job, the job ended without a word, or the sweep had no worker
  6    a folder cannot be written, or a scheduler runs there already
  130  this program was interrupted, and the job goes on; or the sweep was";

/// Runs the scheduler in a job of the cluster, and tells what it says until it has ended
///
/// Ctrl-C ends the telling and not the job; the same command tells on. When the time of the job is over, the sweep stops in order and
/// the job goes back into the queue.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) sweep: SweepArgs,

    /// Option of sbatch for this job alone, such as --job-option=--partition=cpu; may be given several times
    #[arg(long = "job-option", value_name = "OPTION", allow_hyphen_values = true)]
    options: Vec<String>,

    /// Put the job into the queue, and do not wait for its end
    #[arg(long)]
    detach: bool,
}

/// Questions about an earlier job until one is answered, and the time between two of them.
const QUESTIONS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// Submits, or finds the job that was submitted before, and follows it.
pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    if args.sweep.json {
        let text =
            "`--json` tells of a sweep that runs here, expected `scheduler status --json` for one in a job".to_owned();
        return Err(Failure { code: Code::Config, text });
    }
    if args.sweep.check {
        return sweep(&args.sweep, Scope::Everything);
    }
    let worker = fleet::Worker::locate(args.sweep.worker.clone());
    let checked = plan::check(&args.sweep.config, &worker, &args.sweep.wishes())?;
    let (output, launcher) = (&checked.config.paths.output_dir, checked.launcher.as_ref());
    let asked = asked(&args.sweep)?;
    let before = Note::read(output);
    let is_open = before.as_ref().map(|note| is_open(note, launcher)).transpose()?.unwrap_or_default();
    let note = match before.filter(|_| is_open) {
        Some(note) => {
            note.fits(&asked)?;
            say(&format!("Job {} was submitted before and has not ended.\n", note.id));
            note
        }
        None => submit(args, &checked.config.paths, asked, launcher)?,
    };
    if args.detach {
        say(&note.advice());
        return Ok(Code::Complete);
    }
    follow::follow(&note, launcher)
}

/// Whether the job of `note` waits or runs.
fn is_open(note: &Note, launcher: &dyn Launcher) -> Result<bool, Failure> {
    if note.code().is_some() || !launcher.adopt(&note.ticket()) {
        return Ok(false);
    }
    for _ in 0..QUESTIONS {
        match launcher.poll(&[note.ticket()]).pop() {
            Some(State::Queued | State::Running) => return Ok(true),
            Some(State::Ended(_) | State::Refused(_)) => return Ok(false),
            // One answer that lacks a job says nothing, and several say that the job is gone.
            Some(State::Unknown) | None => thread::sleep(PAUSE),
        }
    }
    let text = format!(
        "whether job {}, which was submitted before, has ended is not known: the cluster gives no answer",
        note.id
    );
    Err(Failure { code: Code::Workers, text })
}

fn submit(args: &Args, paths: &sweep::config::Paths, asked: String, launcher: &dyn Launcher) -> Result<Note, Failure> {
    let output = &paths.output_dir;
    if let Seen::Runs(holder) = lock::holder(output) {
        let text = format!(
            "`{}` is in use by process {} on {}, which runs a sweep there already",
            output.display(),
            holder.pid,
            holder.host
        );
        return Err(Failure { code: Code::Storage, text });
    }
    for folder in [output, &paths.log_dir] {
        files::durable::create_folders(folder)?;
    }
    let instance = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64);
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let log = absolute(&paths.log_dir).join(format!("submitted-{instance:x}.log"));
    let errand = Errand {
        instance,
        words: words(&args.sweep)?,
        log: log.clone(),
        code: note::code_file(&log),
        options: args.options.clone(),
        kind: None,
    };
    let _ = std::fs::remove_file(&errand.code);
    let submitted = launcher.submit(&errand)?;
    let (job, output) = (submitted.ticket.name, absolute(output));
    let note = Note { job, id: submitted.id, cancel: submitted.cancel, log, output, asked };
    note.write()?;
    say(&format!("Job {} is submitted; its output goes to {}.\n", note.id, note.log.display()));
    Ok(note)
}

/// Digest of what `args` ask for.
fn asked(args: &SweepArgs) -> Result<String, Failure> {
    let failed =
        |error| Failure { code: Code::Config, text: format!("cannot read `{}`: {error}", args.config.display()) };
    Ok(note::digest(&std::fs::read(&args.config).map_err(failed)?, &args.wanted()))
}

/// The command line of the scheduler in the job: this program, with the same arguments.
fn words(args: &SweepArgs) -> Result<Vec<String>, Failure> {
    let failed =
        |error| Failure { code: Code::Workers, text: format!("where this program lies is not known: {error}") };
    let program = std::env::current_exe().map_err(failed)?;
    // One file on the disk may be all programs, of which this one has a command for a sweep.
    let is_whole = program.file_stem().is_none_or(|name| name != "scheduler");
    let command = is_whole.then(|| "run".to_owned());
    Ok([program.to_string_lossy().into_owned()].into_iter().chain(command).chain(args.words()).collect())
}
