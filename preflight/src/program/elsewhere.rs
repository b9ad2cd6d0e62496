//! Preflight where workers run elsewhere: the launcher puts this program into a job for each kind of device that it knows, all of which
//! write into one profile.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fleet::launchers::{Errand, Launcher, State, Submitted, Ticket};
use plan::Checked;
use plan::exit::{Code, Failure};
use sweep::config::Devices;

use super::cli::Cli;
use crate::watched;

/// Time between two looks at the files of the jobs.
const LOOK: Duration = Duration::from_millis(300);
/// Time that the file with the exit code may need to show on this machine, once its job has ended.
const LATE: Duration = Duration::from_secs(65);
/// Most bytes of a job's output that are told at once.
const MOST: u64 = 1 << 20;

/// A job that measures one kind of device.
struct Measuring {
    kind: String,
    job: Submitted,
    log: PathBuf,
    code: PathBuf,
    /// Bytes of the output that were told.
    told: u64,
    /// Reason for waiting that was told last.
    reason: Option<String>,
    /// Time since when the cluster says that the job has ended.
    ended: Option<Instant>,
    /// Exit code of preflight there; of a job that ended without a word, that of a worker that could not be started.
    outcome: Option<i32>,
}

/// Measures each kind of device of the launcher of `checked` in a job of its own, and tells what the jobs say.
pub(super) fn run(checked: &Checked, cli: &Cli, tell: &dyn Fn(&str)) -> Result<Code, Failure> {
    let launcher = checked.launcher.as_ref();
    let kinds = launcher.kinds()?;
    let threads = checked.slots.first().map_or(1, |slot| slot.threads);
    files::durable::create_folders(&checked.config.paths.log_dir)?;
    let mut all = Vec::new();
    for kind in kinds {
        let submitted = submit(checked, cli, (&kind, threads));
        match submitted {
            Ok(measuring) => {
                tell(&format!("{kind}: job {}", measuring.job.id));
                all.push(measuring);
            }
            Err(failure) => {
                cancel(launcher, &all);
                return Err(failure);
            }
        }
    }
    let failed =
        |error: std::io::Error| Failure { code: Code::Workers, text: format!("cannot watch signals: {error}") };
    let (runtime, mut signals) = watched().map_err(failed)?;
    let mut next = (Instant::now(), LOOK);
    let interrupted = runtime.block_on(async {
        while all.iter().any(|measuring| measuring.outcome.is_none()) {
            tokio::select! {
                () = signals.next() => return true,
                () = tokio::time::sleep(LOOK) => {}
            }
            if next.0 <= Instant::now() {
                ask(launcher, &mut all, tell);
                let pause = (next.1 * 2).min(launcher.period().max(LOOK));
                next = (Instant::now() + pause, pause);
            }
            for measuring in &mut all {
                look(measuring, launcher.period(), tell);
            }
        }
        false
    });
    if interrupted {
        cancel(launcher, &all);
        tell("interrupted; what was found stays, and the same command goes on");
        return Ok(Code::Interrupted);
    }
    Ok(worst(all.iter().filter_map(|measuring| measuring.outcome)))
}

fn submit(checked: &Checked, cli: &Cli, (kind, threads): (&str, usize)) -> Result<Measuring, Failure> {
    let instance = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64);
    let folder = &checked.config.paths.log_dir;
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
    let file = |suffix: &str| folder.join(format!("preflight-{instance:x}.{suffix}"));
    let (log, code) = (file("log"), file("code"));
    let words = words(cli, threads, matches!(checked.config.devices(), Devices::Cpu { .. }))?;
    let errand = Errand {
        instance,
        words,
        log: log.clone(),
        code: code.clone(),
        options: Vec::new(),
        kind: Some(kind.to_owned()),
    };
    let job = checked.launcher.submit(&errand)?;
    checked.launcher.adopt(&job.ticket);
    let (kind, reason) = (kind.to_owned(), None);
    Ok(Measuring { kind, job, log, code, told: 0, reason, ended: None, outcome: None })
}

/// The command line of this program in the job.
fn words(cli: &Cli, threads: usize, on_processors: bool) -> Result<Vec<String>, Failure> {
    let failed =
        |error| Failure { code: Code::Workers, text: format!("where this program lies is not known: {error}") };
    let program = std::env::current_exe().map_err(failed)?;
    // One file on the disk may be all programs, of which this one has a command.
    let is_whole = program.file_stem() != Some(OsStr::new("preflight"));
    let path = |name: &str, path: &Path| format!("--{name}={}", path.display());
    let optional = [
        cli.memory.map(|bytes| format!("--memory={bytes}")),
        cli.margin.map(|percent| format!("--margin={percent}")),
        // The one that the job has. Processors are no stand-in for it.
        (!on_processors).then(|| "--gpu-id=0".to_owned()),
        cli.force.then(|| "--force".to_owned()),
        cli.worker.as_ref().map(|worker| path("worker", worker)),
    ];
    // What workers elsewhere are given: a limit of the cluster's own is not one of theirs.
    let environment = ["env".to_owned(), format!("OMP_NUM_THREADS={threads}")];
    let begin = [Some(program.to_string_lossy().into_owned()), is_whole.then(|| "preflight".to_owned())];
    let always = [
        "--here".to_owned(),
        path("config", &cli.config),
        format!("--threads={threads}"),
        format!("--patience={}", cli.patience),
        format!("--stillness={}", cli.stillness),
    ];
    let begin = environment.into_iter().chain(begin.into_iter().flatten());
    Ok(begin.chain(always).chain(optional.into_iter().flatten()).collect())
}

/// Asks the cluster how the jobs are that have not ended.
fn ask(launcher: &dyn Launcher, all: &mut [Measuring], tell: &dyn Fn(&str)) {
    let open: Vec<&mut Measuring> = all.iter_mut().filter(|measuring| measuring.outcome.is_none()).collect();
    let tickets: Vec<Ticket> = open.iter().map(|measuring| measuring.job.ticket.clone()).collect();
    let states = launcher.poll(&tickets);
    let waits = states.contains(&State::Queued);
    let reasons = if waits { launcher.reasons(&tickets) } else { vec![None; tickets.len()] };
    for ((measuring, state), reason) in open.into_iter().zip(states).zip(reasons) {
        match state {
            State::Ended(_) | State::Refused(_) => drop(measuring.ended.get_or_insert_with(Instant::now)),
            State::Queued | State::Running => measuring.ended = None,
            State::Unknown => {}
        }
        if let Some(reason) = reason.as_ref().filter(|reason| measuring.reason.as_ref() != Some(*reason)) {
            tell(&format!("{}: waits: {reason}", measuring.kind));
        }
        measuring.reason = reason;
    }
}

/// Tells what a job has said, and notes its end. `period` is the longest time between two questions to its cluster.
fn look(measuring: &mut Measuring, period: Duration, tell: &dyn Fn(&str)) {
    if measuring.outcome.is_some() {
        return;
    }
    // The code comes after everything that the job says.
    let code = fs::read_to_string(&measuring.code).ok().and_then(|text| text.trim().parse().ok());
    for line in said(&measuring.log, &mut measuring.told).lines() {
        tell(&format!("{}: {line}", measuring.kind));
    }
    let lost = measuring.ended.is_some_and(|since| since.elapsed() > LATE.min(period * 3));
    if code.is_some() {
        let _ = fs::remove_file(&measuring.code);
        measuring.outcome = code;
    } else if lost {
        let (kind, id, log) = (&measuring.kind, &measuring.job.id, measuring.log.display());
        tell(&format!("{kind}: job {id} has ended without a word: its output is in {log}"));
        measuring.outcome = Some(Code::Workers as i32);
    }
}

/// What stands in `log` behind the first `told` bytes.
fn said(log: &Path, told: &mut u64) -> String {
    let mut bytes = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        file.seek(SeekFrom::Start(*told))?;
        file.take(MOST).read_to_end(&mut bytes)
    });
    *told += read.map_or(0, |read| read as u64);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn cancel(launcher: &dyn Launcher, all: &[Measuring]) {
    let tickets: Vec<Ticket> = all
        .iter()
        .filter(|measuring| measuring.outcome.is_none())
        .map(|measuring| measuring.job.ticket.clone())
        .collect();
    for ticket in &tickets {
        launcher.end(ticket);
    }
    // What is to be ended is ended with the next question.
    launcher.poll(&tickets);
    launcher.close();
}

/// One exit code for all jobs: that of the job with the most trouble.
fn worst(codes: impl Iterator<Item = i32>) -> Code {
    let order = [Code::Config, Code::Mismatch, Code::Storage, Code::Workers, Code::Incomplete];
    let codes: Vec<i32> = codes.collect();
    let worst = order.into_iter().find(|code| codes.contains(&(*code as i32)));
    worst.unwrap_or(if codes.iter().all(|code| *code == 0) { Code::Complete } else { Code::Workers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_that_of_the_job_with_the_most_trouble() {
        let of = |codes: &[i32]| worst(codes.iter().copied());
        assert_eq!((of(&[0, 0]), of(&[0, 1]), of(&[1, 3, 5])), (Code::Complete, Code::Incomplete, Code::Config));
        assert_eq!(of(&[0, 77]), Code::Workers, "a code that preflight does not have");
    }

    #[test]
    fn what_a_job_says_is_told_once() {
        let log = std::env::temp_dir().join(format!("attrisweep-said-{}", std::process::id()));
        let mut told = 0;
        assert_eq!(said(&log, &mut told), "");
        fs::write(&log, "one\n").unwrap();
        assert_eq!(said(&log, &mut told), "one\n");
        fs::write(&log, b"one\ntwo\xff\n").unwrap();
        assert!(said(&log, &mut told).starts_with("two"));
        assert_eq!(said(&log, &mut told), "");
        fs::remove_file(&log).unwrap();
    }
}
