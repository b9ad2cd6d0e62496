//! `worker run`: connects to a scheduler and does the units that it grants.

mod job;
mod pipeline;
#[cfg(test)]
mod tests;

use protocol::exit::ExitCode;

use crate::device;
use crate::exit::{self, Exit};
use crate::kinds::KINDS;
use crate::link::caller::Args;
use crate::link::{leaving, listener};

/// Does the units of a sweep until the scheduler has no more.
pub(super) fn run(args: &Args) -> Result<(), Exit> {
    args.logs.to_standard_error();
    leaving::prepare();
    let device = device::open(args.device)?;
    let (link, grants) = listener::connect(args, &device)?;
    leaving::watch(link.clone());
    leaving::at_the_end(link.clone(), args.place.ends_in());
    let done = pipeline::run(&link, grants, &device, KINDS);
    if done.is_ok() && link.is_leaving() {
        // All is given back before the thread that waits for that has looked again.
        exit::now(ExitCode::Preempted);
    }
    done
}
