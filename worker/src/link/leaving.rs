//! Leaving: somebody else wants the machine, or the job of this worker ends. Slurm sends SIGTERM, and SIGKILL half a minute later.
//!
//! What is computed stops at its next batch, what is on its way to the store is written, every unit is given back to
//! the scheduler, which grants it to others at once and without blame; then the process leaves.

use std::thread;
use std::time::{Duration, Instant};

use protocol::about::margin;
use protocol::exit::ExitCode;

use super::connection::Link;
use crate::exit;

/// Longest time that a batch and its files may take. Slurm's `KillWait` is 30 s by default.
const GRACE: Duration = Duration::from_secs(25);
const LOOK: Duration = Duration::from_millis(20);

/// Keeps SIGTERM for [`watch`]. Threads that are started later inherit that.
#[expect(unsafe_code, reason = "std knows no signals")]
pub(crate) fn prepare() {
    // SAFETY: the set is one of this frame, which sigemptyset initialises.
    unsafe {
        let mut signals = std::mem::zeroed();
        libc::sigemptyset(&raw mut signals);
        libc::sigaddset(&raw mut signals, libc::SIGTERM);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const signals, std::ptr::null_mut());
    }
}

/// Ends the process in order once SIGTERM comes.
pub(crate) fn watch(link: Link) {
    thread::spawn(move || {
        wait();
        tracing::warn!("told to leave by SIGTERM: units are given back");
        leave(&link);
    });
}

/// Ends the process in order before its job ends, which is in the time `ends_in`, if the job has an end.
pub(crate) fn at_the_end(link: Link, ends_in: Option<Duration>) {
    let Some(ends_in) = ends_in else { return };
    thread::spawn(move || {
        thread::sleep(ends_in.saturating_sub(margin(ends_in)));
        tracing::warn!("the job ends soon: units are given back");
        leave(&link);
    });
}

fn leave(link: &Link) {
    link.leave();
    let since = Instant::now();
    while !link.is_empty() && since.elapsed() < GRACE {
        thread::sleep(LOOK);
    }
    exit::now(ExitCode::Preempted);
}

#[expect(unsafe_code, reason = "std knows no signals")]
fn wait() {
    // SAFETY: as above; the number is written before it is read.
    unsafe {
        let (mut signals, mut signal) = (std::mem::zeroed(), 0);
        libc::sigemptyset(&raw mut signals);
        libc::sigaddset(&raw mut signals, libc::SIGTERM);
        libc::sigwait(&raw const signals, &raw mut signal);
    }
}
