//! The listening side of a connection: grants in, heartbeats out, and calling again when the connection breaks.
//!
//! A worker whose connection breaks goes on with what it has and calls again, for as long as its lease runs: the
//! scheduler may have been killed and started anew, and takes back who holds units of its sweep. A worker that has
//! heard nothing for a lease ends itself, whatever it is doing: others do its units by then.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use protocol::exit::ExitCode;
use protocol::framing;
use protocol::message::{Failure, FromWorker, Resumed, ToWorker};

use super::caller::{Args, Caller, Lines};
use super::connection::{Grant, Link};
use super::sight;
use crate::device::Opened;
use crate::exit::{self, Exit};

/// Time between two calls of a worker that was not answered.
const PAUSE: Duration = Duration::from_millis(250);

/// Calls the scheduler and is welcomed; then grants arrive until there is no more work.
pub(crate) fn connect(args: &Args, device: &Opened) -> Result<(Link, Receiver<Grant>), Exit> {
    let caller = Caller::new(args, device)?;
    let unreachable =
        |error: std::io::Error| Exit::refused(format!("cannot reach the scheduler at {}: {error}", caller.address));
    let (mut stream, mut lines) = caller.call(&caller.address, &caller.token, None).map_err(unreachable)?;
    let Some(ToWorker::Welcome { lease_ms, sweep, shared }) = framing::receive(&mut lines) else {
        return Err(Exit::refused("the scheduler refused this worker"));
    };
    let lease = Duration::from_millis(lease_ms);
    tracing::info!(device = device.name, lease_ms, "connected");
    if let Some(shared) = shared {
        let seen = sight::test(&shared, caller.slot);
        stream
            .write_all(&framing::encode(&FromWorker::Sees(seen.clone())).map_err(unreachable)?)
            .map_err(unreachable)?;
        seen.map_err(Exit::blind)?;
    }
    // A scheduler that reads nothing must not stop the worker.
    stream.set_write_timeout(Some(lease)).map_err(unreachable)?;
    let folder = caller.access.as_deref().and_then(Path::parent).map(Path::to_owned);
    let link = Link::new(Some(stream), lease, sweep, folder);
    let (grants, granted) = channel();
    let listener = link.clone();
    thread::spawn(move || listen(&listener, &caller, lines, &grants));
    keep_alive(link.clone(), lease);
    Ok((link, granted))
}

/// Reads the scheduler's messages, over one connection after the other, until the scheduler says that there is no more work.
fn listen(link: &Link, caller: &Caller, mut lines: Lines, grants: &Sender<Grant>) {
    loop {
        while let Some(message) = framing::receive(&mut lines) {
            if !heard(link, message, grants) {
                // Dropping the sender ends the pipeline.
                return;
            }
        }
        link.lock().out = None;
        tracing::warn!("the scheduler is gone; calling again");
        let mut told = false;
        lines = loop {
            thread::sleep(PAUSE);
            match resume(link, caller) {
                Ok(lines) => break lines,
                Err(error) if error.kind() == ErrorKind::PermissionDenied && !told => {
                    told = true;
                    tracing::warn!(%error, "calling again");
                }
                Err(error) => tracing::debug!(%error, "no answer"),
            }
        };
    }
}

/// Calls again with the units that are held. The state stays locked, so that nothing is sent on the new connection before the hello.
fn resume(link: &Link, caller: &Caller) -> std::io::Result<Lines> {
    let (sweep, holds) = {
        let state = link.lock();
        (state.sweep.clone(), state.granted.all())
    };
    let (stream, lines) = caller.call_again(Resumed { sweep, holds: holds.clone() })?;
    let mut state = link.lock();
    stream.set_write_timeout(Some(state.lease))?;
    state.out = Some(stream);
    if state.leaving {
        state.say(&FromWorker::Leaving);
    }
    for result in state.granted.results() {
        state.say(&result);
    }
    Ok(lines)
}

/// Takes one message. Returns false after the last message.
fn heard(link: &Link, message: ToWorker, grants: &Sender<Grant>) -> bool {
    let mut state = link.lock();
    state.heard = Instant::now();
    match message {
        ToWorker::Grant { unit, attempt, batches } => {
            state.granted.granted(unit.id(), attempt);
            if state.leaving {
                state.give_back();
                return true;
            }
            if !state.is_inside(&unit.group.store) {
                let text = format!("`{}` is not in the sweep's output folder", unit.group.store.display());
                let failed = FromWorker::Failed { unit: unit.id(), attempt, class: Failure::Input, text };
                state.granted.result(&failed);
                state.say(&failed);
                return true;
            }
            let tag = format!("{}-{attempt}", std::process::id());
            return grants.send(Grant { unit, attempt, batches, tag }).is_ok();
        }
        ToWorker::Withdraw { unit, attempt } => {
            if let Some(returned) = state.granted.withdraw(&unit, attempt) {
                state.say(&returned);
            }
        }
        ToWorker::Stop => {
            state.stopping = true;
            return false;
        }
        ToWorker::Noted { unit, attempt } => state.granted.noted(&unit, attempt),
        ToWorker::Welcome { lease_ms, .. } => state.lease = Duration::from_millis(lease_ms),
        // A challenge and a proof come before all else, and are answered where the worker calls.
        ToWorker::Renewed | ToWorker::Challenge { .. } | ToWorker::Proof { .. } => {}
    }
    true
}

/// Sends four heartbeats in a lease, and ends the process when the scheduler was silent for a lease.
fn keep_alive(link: Link, mut lease: Duration) {
    thread::spawn(move || {
        loop {
            thread::sleep(lease / 4);
            let mut state = link.lock();
            lease = state.lease;
            if state.heard.elapsed() > lease && !state.stopping {
                tracing::error!("the scheduler was silent for longer than the lease");
                // There is nothing to tidy up.
                exit::now(ExitCode::LeaseLost);
            }
            state.say(&FromWorker::Alive);
        }
    });
}
