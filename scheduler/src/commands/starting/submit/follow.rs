//! Following a job: what it says, why it waits, and how it ends.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use fleet::launchers::{Launcher, State};
use plan::exit::{Code, Failure};
use preflight::watched;

use super::note::Note;
use crate::tell::say;

/// Time between two looks at the files of the job.
const LOOK: Duration = Duration::from_millis(300);
/// Shortest time between two questions to the cluster.
const SHORTEST: Duration = Duration::from_secs(1);
/// Most bytes of the output that are read at once.
const MOST: u64 = 1 << 20;
/// Time that the file with the exit code may need to show on this machine, once the job has ended.
const LATE: Duration = Duration::from_secs(65);

/// Tells what the job of `note` says until it has ended; the exit code of the sweep.
pub(super) fn follow(note: &Note, launcher: &dyn Launcher) -> Result<Code, Failure> {
    let failed =
        |error: std::io::Error| Failure { code: Code::Workers, text: format!("cannot watch signals: {error}") };
    let (runtime, mut signals) = watched().map_err(failed)?;
    launcher.adopt(&note.ticket());
    let mut followed = Followed::new(note, launcher);
    runtime.block_on(async {
        loop {
            tokio::select! {
                () = signals.next() => {
                    say(&note.advice());
                    return Ok(Code::Interrupted);
                }
                () = tokio::time::sleep(LOOK) => {}
            }
            if let Some(end) = followed.look() {
                return end;
            }
        }
    })
}

/// A job that is followed.
struct Followed<'a> {
    note: &'a Note,
    launcher: &'a dyn Launcher,
    /// Bytes of the output that were told.
    told: u64,
    /// The reason for waiting that was told last.
    reason: Option<String>,
    /// Time of the next question, and the pause after it.
    next: (Instant, Duration),
    /// Time since when the cluster says that the job has ended.
    ended: Option<Instant>,
}

impl<'a> Followed<'a> {
    fn new(note: &'a Note, launcher: &'a dyn Launcher) -> Self {
        Self { note, launcher, told: 0, reason: None, next: (Instant::now(), SHORTEST), ended: None }
    }

    /// Tells what is new; the end, once there is one.
    fn look(&mut self) -> Option<Result<Code, Failure>> {
        while self.tell(&self.note.log) {}
        if let Some(code) = self.note.code() {
            while self.tell(&self.note.log) {}
            say(&format!("The sweep of job {} has ended with exit code {code}.\n", self.note.id));
            return Some(Ok(code_of(code)));
        }
        if self.next.0 <= Instant::now() {
            self.ask();
        }
        let lost = self.ended.is_some_and(|since| since.elapsed() > LATE.min(self.launcher.period() * 3));
        lost.then(|| {
            let text = format!(
                "job {} has ended without a word: it was cancelled, or lost with its node. Its output is in `{}`, and the same command \
                 submits another one, which goes on",
                self.note.id,
                self.note.log.display()
            );
            Err(Failure { code: Code::Workers, text })
        })
    }

    /// Tells the next bytes of the output; whether there were any.
    fn tell(&mut self, log: &Path) -> bool {
        let Ok(mut file) = File::open(log) else { return false };
        let mut text = Vec::new();
        let read = file.seek(SeekFrom::Start(self.told)).and_then(|_| file.take(MOST).read_to_end(&mut text));
        let Ok(read) = read else { return false };
        self.told += read as u64;
        let _ = std::io::stdout().write_all(&text).and_then(|()| std::io::stdout().flush());
        read > 0
    }

    /// Asks the cluster how the job is: more and more rarely, while nothing changes.
    fn ask(&mut self) {
        let tickets = [self.note.ticket()];
        let state = self.launcher.poll(&tickets).pop();
        let reason = match &state {
            Some(State::Queued) => self.launcher.reasons(&tickets).pop().flatten(),
            _ => None,
        };
        if let Some(reason) = reason.as_ref().filter(|reason| Some(*reason) != self.reason.as_ref()) {
            say(&format!("Job {} waits: {reason}\n", self.note.id));
        }
        let changed = reason != self.reason;
        self.reason = reason;
        match state {
            Some(State::Ended(_) | State::Refused(_)) => drop(self.ended.get_or_insert_with(Instant::now)),
            // A question that was not answered says nothing.
            Some(State::Unknown) | None => {}
            Some(State::Queued | State::Running) => self.ended = None,
        }
        let longest = self.launcher.period().max(SHORTEST);
        let pause = if changed { SHORTEST } else { longest.min(self.next.1 * 2) };
        self.next = (Instant::now() + pause, pause);
    }
}

/// The code of this program for the code of the scheduler in the job.
fn code_of(code: i32) -> Code {
    let known = [
        Code::Complete,
        Code::Incomplete,
        Code::Config,
        Code::Mismatch,
        Code::Workers,
        Code::Storage,
        Code::Interrupted,
    ];
    known.into_iter().find(|of| *of as i32 == code).unwrap_or(Code::Workers)
}
