//! Probers: disposable workers that measure. Requests go to the standard input; a prober that hangs is killed.
//!
//! No signal ends a process that waits inside the kernel, for a driver or for a disk. Such a process is waited for a while and then
//! left behind, and measuring goes on without it.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use machine::process::processor_time;
use protocol::exit::ExitCode;
use protocol::probe::{Measured, Request};

use crate::error::FleetError;
use crate::slot::Slot;
use crate::worker_program::Worker;

/// Time between two looks at a silent worker.
const LOOK: Duration = Duration::from_millis(500);

/// Time that a killed worker may take to end: to give gigabytes back takes a second or two.
const BURIAL: Duration = Duration::from_secs(10);
/// Time between two looks at a killed worker.
const DIG: Duration = Duration::from_millis(10);

/// Most bytes that are kept of a worker's standard error.
const WORDS: u64 = 64 << 10;

/// A worker that answers one request after the other. The worker is ended when this value is dropped, if it can be ended.
#[derive(Debug)]
pub struct Prober {
    child: Child,
    stdin: Option<ChildStdin>,
    answers: Receiver<String>,
    words: Receiver<String>,
    /// Whether somebody has waited for the end of the process.
    waited: bool,
}

/// The way in which a worker failed to answer. Its process has ended, unless it is stuck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The batch does not fit.
    OutOfMemory(String),
    /// The worker was ended by this signal.
    Killed(i32),
    /// The worker gave no answer for this time, and was ended.
    Hung(Duration),
    /// The worker was killed and does not end: its process id, and the time for which it was waited for.
    Stuck(u32, Duration),
    /// The worker left with this exit code and this last line of its standard error.
    Left(i32, String),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory(words) => write!(f, "out of memory: {words}"),
            Self::Killed(9) => {
                f.write_str("the worker was killed (signal 9: by the system for its memory, or by someone)")
            }
            Self::Killed(signal) => write!(f, "the worker was ended by signal {signal}"),
            Self::Hung(time) => write!(f, "no answer within {} s: the worker was ended", time.as_secs()),
            Self::Stuck(pid, time) => write!(
                f,
                "the worker gave no answer, was killed, and has not ended {} s later: process {pid} waits inside the system \
                 (for a driver or a disk) and is left behind",
                time.as_secs()
            ),
            Self::Left(code, words) if words.is_empty() => write!(f, "the worker left with exit code {code}"),
            Self::Left(code, words) => write!(f, "exit code {code}: {words}"),
        }
    }
}

impl Worker {
    /// Starts a worker that measures on the device of `slot`.
    pub fn prober(&self, slot: &Slot) -> Result<Prober, FleetError> {
        let mut command = Command::new(self.program());
        slot.prepare(&mut command);
        let mut child = command
            .arg("probe")
            .args(slot.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| FleetError::Start { program: self.program().to_owned(), source })?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (send, answers) = channel();
        thread::spawn(move || {
            for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()).map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let (tell, words) = channel();
        // Nobody waits for this thread: of a worker that does not end it reads for ever.
        thread::spawn(move || tell.send(last_words(stderr)));
        Ok(Prober { child, stdin, answers, words, waited: false })
    }
}

/// Reads everything, so that the worker never waits for its reader, and returns the last line of the first [`WORDS`] bytes.
fn last_words(stderr: Option<impl Read>) -> String {
    let Some(mut stderr) = stderr else { return String::new() };
    let mut words = Vec::new();
    let _ = (&mut stderr).take(WORDS).read_to_end(&mut words);
    let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    let words = String::from_utf8_lossy(&words);
    words.lines().last().unwrap_or_default().trim().to_owned()
}

impl Prober {
    /// Id of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends `request` and waits for the answer, no longer than `patience`, and no longer than `stillness` for a worker that uses no
    /// processor time: a worker that computes always uses some, on a GPU too.
    pub fn ask(&mut self, request: &Request, patience: Duration, stillness: Duration) -> Result<Measured, Lost> {
        let Ok(mut line) = serde_json::to_vec(request) else { return Err(self.lost(None)) };
        line.push(b'\n');
        // A worker that is gone shows in that it gives no answer.
        let _ = self.stdin.as_mut().map(|stdin| stdin.write_all(&line).and_then(|()| stdin.flush()));
        let started = Instant::now();
        let mut moved = (started, None);
        loop {
            match self.answers.recv_timeout(LOOK) {
                Ok(line) => return serde_json::from_str(&line).map_err(|_| self.lost(None)),
                Err(RecvTimeoutError::Disconnected) => return Err(self.lost(None)),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let used = processor_time(self.child.id());
            if used != moved.1 {
                moved = (Instant::now(), used);
            }
            if moved.0.elapsed() > stillness {
                return Err(self.lost(Some(stillness)));
            }
            if started.elapsed() > patience {
                return Err(self.lost(Some(patience)));
            }
        }
    }

    /// Ends the process, and returns the way in which it ended.
    fn lost(&mut self, hung: Option<Duration>) -> Lost {
        (self.stdin, self.waited) = (None, true);
        // One that has closed its output is about to leave by itself.
        let left = if hung.is_none() { self.buried() } else { None };
        let status = left.or_else(|| {
            let _ = self.child.kill();
            self.buried()
        });
        match (hung, status) {
            (_, None) => Lost::Stuck(self.child.id(), BURIAL),
            (Some(time), _) => Lost::Hung(time),
            // What it has started may hold its output, and is not waited for.
            (None, Some(status)) => ended(status, self.words.recv_timeout(BURIAL).unwrap_or_default()),
        }
    }

    /// The exit status, if the process ends within [`BURIAL`].
    fn buried(&mut self) -> Option<ExitStatus> {
        let since = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(None) if since.elapsed() < BURIAL => thread::sleep(DIG),
                Ok(status) => return status,
                Err(_) => return None,
            }
        }
    }
}

fn ended(status: ExitStatus, words: String) -> Lost {
    let code = status.code().unwrap_or(-1);
    match (status.signal(), ExitCode::of(code)) {
        (Some(signal), _) => Lost::Killed(signal),
        (None, Some(ExitCode::OutOfMemory | ExitCode::HostMemory)) => Lost::OutOfMemory(words),
        (None, _) => Lost::Left(code, words),
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        if !self.waited {
            // It may be in the middle of something that nobody waits for.
            let _ = self.child.kill();
            self.buried();
        }
    }
}
