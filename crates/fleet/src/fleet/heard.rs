//! Events as the fleet takes note of them: what is told on, what has to wait, and who is sent away.

use protocol::message::ToWorker;

use super::Fleet;
use crate::event::Event;
use crate::launchers::Place;

impl Fleet {
    /// Takes note of `event`; `None` if it is to be told to nobody, or not yet.
    pub(super) fn checked(&mut self, event: Event) -> Option<Event> {
        match &event {
            Event::Connected { worker, slot, instance, about, line, .. } => {
                if !self.roster.knows(*slot, *instance) || self.is_outdated(*slot, *instance, about.restart) {
                    tracing::warn!(worker = worker.0, slot, %about, "a process that was not started for this slot is sent away");
                    let _ = line.send(ToWorker::Stop);
                    return None;
                }
                // What was heard of the slot before was of an earlier start of its job.
                self.hearsay.remove(slot);
                self.lines.insert(*worker, (*slot, line.clone()));
                self.poller.connected(*slot, true);
                if self.is_elsewhere() {
                    self.roster.describe(*slot, about);
                }
            }
            Event::Disconnected { worker } => {
                // Events of a worker that was sent away are dropped.
                let (slot, _) = self.lines.remove(worker)?;
                if !self.is_connected(slot) {
                    self.poller.connected(slot, false);
                    self.next.extend(self.hearsay.remove(&slot));
                }
            }
            Event::Message { worker, .. } => drop(self.lines.get(worker)?),
            Event::Queued { slot } | Event::Began { slot } | Event::Exited { slot, .. }
                if self.believes_line(*slot) =>
            {
                self.hearsay.insert(*slot, event);
                return None;
            }
            Event::Exited { slot, .. } | Event::Refused { slot, .. } => {
                self.tickets.remove(slot);
                self.roster.remove(*slot);
            }
            Event::Blind { slot, instance, node, reason } => {
                if !self.roster.knows(*slot, *instance) {
                    return None;
                }
                if self.told.is_new(node, reason) {
                    tracing::warn!(node, "{reason}");
                }
                self.launcher.unfit(node);
                return Some(Event::Refused { slot: *slot, reason: format!("its worker on {node}: {reason}") });
            }
            Event::Queued { .. } | Event::Began { .. } | Event::Health { .. } => {}
        }
        Some(event)
    }

    /// Whether a later start of the same job has called already: Slurm may start a job anew whose node was lost and comes back.
    fn is_outdated(&mut self, slot: usize, instance: u64, restart: u32) -> bool {
        let known = self.restarts.entry(slot).or_insert((instance, restart));
        if known.0 != instance || known.1 < restart {
            *known = (instance, restart);
        }
        known.1 > restart
    }

    fn is_connected(&self, slot: usize) -> bool {
        self.lines.values().any(|(of, _)| *of == slot)
    }

    /// Whether the worker of `slot` is connected, and its launcher knows less than the connection.
    fn believes_line(&self, slot: usize) -> bool {
        self.launcher.place() != Place::Here && self.is_connected(slot)
    }
}
