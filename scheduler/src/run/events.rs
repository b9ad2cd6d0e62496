//! Translation of events of the fleet: into happenings for listeners, and into events for the core.

use fleet::{Fleet, FleetError};
use plan::exit::Failure;

use super::happening::Happening;
use crate::core::{Event, Unwritable};

/// Gives the happening that `event` is for listeners; `None` for an event that concerns the core alone.
pub(super) fn happening<'a>(event: &'a fleet::Event, fleet: &Fleet) -> Option<Happening<'a>> {
    match event {
        fleet::Event::Connected { worker, slot, device, holds, about, .. } => Some(Happening::Connected {
            worker: *worker,
            slot: *slot,
            device,
            about: fleet.is_elsewhere().then_some(&**about),
            pid: fleet.pid(*slot),
            holds: holds.as_deref().unwrap_or_default(),
        }),
        fleet::Event::Message { worker, message } => Some(Happening::Said { worker: *worker, message }),
        fleet::Event::Exited { slot, how } => Some(Happening::Exited { slot: *slot, how: *how }),
        fleet::Event::Disconnected { .. }
        | fleet::Event::Health { .. }
        | fleet::Event::Queued { .. }
        | fleet::Event::Refused { .. }
        | fleet::Event::Blind { .. }
        | fleet::Event::Began { .. } => None,
    }
}

/// The end of the job of a worker that calls, which the core has to know before the worker is given anything.
pub(super) fn end_of_job(event: &fleet::Event) -> Option<Event> {
    let fleet::Event::Connected { slot, about, .. } = event else { return None };
    Some(Event::Ends { slot: *slot, after: about.leaves_in()? })
}

/// Event for a worker that was not started: the fault of the disk, or of the device.
pub(super) fn not_launched(slot: usize, error: FleetError) -> Event {
    let of_disk = matches!(error, FleetError::Log { .. });
    let reason = Failure::from(error).text;
    if of_disk {
        Event::Unwritable { what: Unwritable::Log { slot }, reason }
    } else {
        Event::LaunchFailed { slot, reason }
    }
}

/// Event of the core that `event` of the fleet is.
pub(super) fn told(event: fleet::Event) -> Event {
    match event {
        fleet::Event::Connected { worker, slot, device, holds, about, .. } => {
            let units = holds.as_ref().map(Vec::len);
            tracing::info!(worker = worker.0, slot, device, units, %about, "worker connected");
            Event::Connected { worker, slot, holds }
        }
        fleet::Event::Message { worker, message } => Event::Message { worker, message },
        fleet::Event::Disconnected { worker } => Event::Disconnected { worker },
        fleet::Event::Queued { slot } => {
            tracing::info!(slot, "worker waits in a queue");
            Event::Queued { slot }
        }
        fleet::Event::Began { slot } => {
            tracing::info!(slot, "worker has left the queue");
            Event::Began { slot }
        }
        fleet::Event::Exited { slot, how } => {
            tracing::info!(slot, ?how, "worker ended");
            Event::Exited { slot, how }
        }
        // The fleet itself makes a refusal of what a blind worker says.
        fleet::Event::Refused { slot, reason } | fleet::Event::Blind { slot, reason, .. } => {
            tracing::warn!(slot, reason, "no worker can be started");
            Event::LaunchFailed { slot, reason }
        }
        fleet::Event::Health { slot, condition } => {
            tracing::info!(slot, ?condition, "health of a GPU");
            Event::Health { slot, condition }
        }
    }
}
