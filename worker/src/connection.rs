//! The line to the scheduler: who calls, heartbeats, grants in, results out.
//!
//! A worker that loses the scheduler ends itself at once, whatever it is doing: nobody would take
//! its results, and everything that it had finished is in the store.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sweep::message::{FromWorker, LEASE_LOST, MAX_LINE, ToWorker};
use sweep::unit::Unit;

use crate::device::{self, Opened};
use crate::exit::Exit;

/// How a worker is started. The token comes in `ATTRISWEEP_TOKEN`, where other users cannot read it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address of the scheduler
    #[arg(long, value_name = "HOST:PORT")]
    connect: String,

    /// Which of the scheduler's devices this worker serves
    #[arg(long)]
    slot: usize,

    #[command(flatten)]
    pub(crate) device: device::Args,
}

/// A granted unit.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) unit: Unit,
    pub(crate) attempt: u32,
    /// In the names of unfinished files: this process and this attempt.
    pub(crate) tag: String,
}

/// The worker's end of the line; any thread may speak.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    out: Arc<Mutex<TcpStream>>,
    stopping: Arc<AtomicBool>,
}

impl Link {
    /// Sends one message. A line that is broken ends the process.
    pub(crate) fn send(&self, message: &FromWorker) {
        let Ok(mut line) = serde_json::to_string(message) else { return lost("a message has no JSON form") };
        line.push('\n');
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = out.write_all(line.as_bytes()) {
            lost(&format!("cannot reach the scheduler: {error}"));
        }
    }

    /// Whether the scheduler has said that there is no more work.
    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// Calls the scheduler and is welcomed; then grants arrive until there is no more work.
pub(crate) fn connect(args: &Args, device: &Opened) -> Result<(Link, Receiver<Grant>), Exit> {
    let unreachable =
        |error: std::io::Error| Exit::refused(format!("cannot reach the scheduler at {}: {error}", args.connect));
    let stream = TcpStream::connect(&args.connect).map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let mut lines = BufReader::new(stream.try_clone().map_err(unreachable)?);
    let link = Link { out: Arc::new(Mutex::new(stream)), stopping: Arc::default() };
    let token = std::env::var("ATTRISWEEP_TOKEN").map_err(|_| Exit::refused("ATTRISWEEP_TOKEN is not set"))?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    link.send(&FromWorker::Hello { token, slot: args.slot, version, device: device.name.clone() });
    let Some(ToWorker::Welcome { lease_ms }) = receive(&mut lines) else {
        return Err(Exit::refused("the scheduler refused this worker"));
    };
    tracing::info!(device = device.name, lease_ms, "connected");
    let (grants, granted) = channel();
    let heard = Arc::new(Mutex::new(Instant::now()));
    listen(lines, grants, link.clone(), Arc::clone(&heard));
    keep_alive(link.clone(), heard, Duration::from_millis(lease_ms));
    Ok((link, granted))
}

/// Reads the scheduler's messages on a thread of its own.
fn listen(mut lines: BufReader<TcpStream>, grants: Sender<Grant>, link: Link, heard: Arc<Mutex<Instant>>) {
    thread::spawn(move || {
        while let Some(message) = receive(&mut lines) {
            *heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            match message {
                ToWorker::Grant { unit, attempt } => {
                    let tag = format!("{}-{attempt}", std::process::id());
                    if grants.send(Grant { unit, attempt, tag }).is_err() {
                        return;
                    }
                }
                ToWorker::Stop => {
                    link.stopping.store(true, Ordering::Relaxed);
                    // Dropping the sender ends the pipeline.
                    return;
                }
                ToWorker::Welcome { .. } | ToWorker::Renewed => {}
            }
        }
        lost("the scheduler went away");
    });
}

/// Says four times in a lease that this worker lives, and ends it when the scheduler was silent for one.
fn keep_alive(link: Link, heard: Arc<Mutex<Instant>>, lease: Duration) {
    thread::spawn(move || {
        loop {
            thread::sleep(lease / 4);
            link.send(&FromWorker::Alive);
            let silent = heard.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
            if silent > lease && !link.stopping() {
                lost("the scheduler was silent for longer than the lease");
            }
        }
    });
}

/// The next message; `None` when the line has ended or something else than a message came.
fn receive(lines: &mut BufReader<TcpStream>) -> Option<ToWorker> {
    let mut line = Vec::new();
    let read = lines.take(MAX_LINE as u64).read_until(b'\n', &mut line).ok()?;
    if read == 0 {
        return None;
    }
    serde_json::from_slice(&line).ok()
}

/// Ends the process: the scheduler is gone, and there is nothing to tidy up.
///
/// At once, without the exit handlers of libtorch and CUDA: other threads are in the middle of both.
#[expect(unsafe_code, reason = "std has no exit without handlers")]
fn lost(text: &str) {
    tracing::error!("{text}");
    // SAFETY: ends the process; nothing runs afterwards that could see a broken state.
    unsafe { libc::_exit(LEASE_LOST) }
}
