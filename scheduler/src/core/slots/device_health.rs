//! Health of the devices of slots: proven by what workers do, and reported by drivers.

use fleet::Condition;

use super::{Slots, State};
use crate::core::event::Now;
use crate::core::failure::{Class, Suspicion};
use crate::core::queue::Home;

impl Slots {
    /// Whether the sweep is hopeless: no process exists, and no device is worth another process.
    pub(in crate::core) fn hopeless(&self, now: Now) -> bool {
        self.list.iter().all(|slot| match slot.state {
            State::Empty => !slot.health.usable(now) && slot.health.hopeless(self.worked),
            state => Self::is_stuck_for_good(state, now),
        })
    }

    /// Notes the suspicion that the end of a worker raises against the device of `slot`.
    pub(in crate::core) fn suspect(&mut self, slot: usize, suspicion: Suspicion, now: Now) {
        let device = &mut self.list[slot];
        if let Some(pause) = device.health.ended(suspicion, now) {
            let reason = &device.last;
            tracing::warn!(slot, reason, "workers keep ending on this device: left alone for {} s", pause.as_secs());
        }
    }

    /// Notes that the worker of `slot` has done a unit of `home`, so that the device works.
    pub(in crate::core) fn proven(&mut self, slot: usize, home: Home) {
        self.worked = true;
        self.list[slot].health.proven();
        self.list[slot].warm = Some(home);
    }

    /// Notes the `condition` that the driver reports for the device of `slot`; whether the worker is to be ended. A
    /// device that is only slow continues, and other devices are preferred.
    pub(in crate::core) fn seen(&mut self, slot: usize, condition: Condition, now: Now) -> bool {
        let device = &mut self.list[slot];
        match &condition {
            Condition::Well => tracing::warn!(slot, "the GPU is well again"),
            Condition::Doubtful(reason) => tracing::warn!(slot, reason, "others are preferred to this GPU"),
            Condition::Bad(reason) => tracing::warn!(slot, reason, "this GPU is bad"),
        }
        let bad = match &condition {
            Condition::Bad(reason) => Some(reason.clone()),
            Condition::Well | Condition::Doubtful(_) => None,
        };
        device.health.seen(condition, now);
        let Some(reason) = bad else { return false };
        device.last.clone_from(&reason);
        let ends = !matches!(device.state, State::Empty | State::Leaving | State::Stuck(_));
        if ends {
            self.dismiss(slot, Class::Device, format!("its GPU is bad: {reason}"));
        }
        ends
    }

    /// Extends the quarantine of devices that are still bad.
    pub(in crate::core) fn look(&mut self, now: Now) {
        for (slot, device) in self.list.iter_mut().enumerate() {
            if let Some(pause) = device.health.look(now) {
                let reason = &device.last;
                tracing::warn!(slot, reason, "the GPU is still bad: left alone for {} s", pause.as_secs());
            }
        }
    }

    /// First of `slots` whose device nothing is said against, or else the first slot.
    pub(super) fn preferred<'a>(&self, mut slots: impl Iterator<Item = &'a usize> + Clone) -> Option<usize> {
        let well = |slot: &&usize| !self.list[**slot].health.is_doubtful();
        slots.clone().find(well).or_else(|| slots.next()).copied()
    }
}
