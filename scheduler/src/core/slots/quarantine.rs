//! Health of a device. A device on which workers keep ending, or that its driver calls bad, is left alone for a while and
//! then tried again.

use fleet::Condition;

use crate::core::event::Now;
use crate::core::failure::Suspicion;

/// Number of ends in a row, each maybe the fault of the device, after which the device is quarantined.
const FAULTS: u32 = 5;
/// Number of ends in a row that came from outside after which the device is quarantined.
const OUTSIDE: u32 = 60;
/// Length of the first quarantine. Every further quarantine without a unit done in between is twice as long.
const SHORTEST: Now = Now::from_mins(1);
const LONGEST: Now = Now::from_hours(1);
/// Number of quarantines in a row after which nobody would wait any longer: most of a day.
const ENOUGH: u32 = 24;

/// Cause of a quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// Workers kept ending.
    Workers,
    /// The driver called the device bad.
    Driver,
    /// A cluster kept taking the device away.
    Cluster,
}

/// Health of a device.
#[derive(Debug)]
pub(super) struct Health {
    faults: u32,
    outside: u32,
    /// Number of quarantines since the last unit that was done here.
    quarantines: u32,
    until: Option<Now>,
    /// Cause of the last quarantine.
    cause: Cause,
    /// Condition of the device, as its driver reports.
    condition: Condition,
}

impl Health {
    /// Health of a device with which nothing has gone wrong.
    pub(super) fn new() -> Self {
        Self { faults: 0, outside: 0, quarantines: 0, until: None, cause: Cause::Workers, condition: Condition::Well }
    }

    /// Notes that a worker ended without a unit done; the length of the quarantine, if one begins.
    pub(super) fn ended(&mut self, suspicion: Suspicion, now: Now) -> Option<Now> {
        match suspicion {
            Suspicion::Fault => self.faults += 1,
            Suspicion::Outside | Suspicion::Cluster => self.outside += 1,
        }
        // The worker of a device that turned bad was ended for that: it is in quarantine already.
        let enough = self.faults >= FAULTS || self.outside >= OUTSIDE;
        (enough && self.usable(now)).then(|| {
            self.cause = if suspicion == Suspicion::Cluster { Cause::Cluster } else { Cause::Workers };
            self.quarantine(now)
        })
    }

    /// Notes the `condition` that the driver reports; the length of the quarantine, if one begins.
    pub(super) fn seen(&mut self, condition: Condition, now: Now) -> Option<Now> {
        self.condition = condition;
        self.look(now)
    }

    /// Begins a quarantine for a bad device that is in none, again and again while the device stays bad; the length of
    /// the quarantine.
    pub(super) fn look(&mut self, now: Now) -> Option<Now> {
        (self.is_bad() && self.is_over(now)).then(|| {
            (self.faults, self.cause) = (FAULTS, Cause::Driver);
            self.quarantine(now)
        })
    }

    /// Notes that a unit was done, which shows that the device works.
    pub(super) fn proven(&mut self) {
        // What its driver says of it stands.
        *self = Self { condition: self.condition.clone(), ..Self::new() };
    }

    /// Whether a worker may be started: the quarantine is over, and the driver does not call the device bad.
    pub(super) fn usable(&self, now: Now) -> bool {
        self.is_over(now) && !self.is_bad()
    }

    /// Whether the device was tried often enough to count as broken. Where no device has `worked` yet, a device whose
    /// workers only ever end is not worth waiting for, as the program is most likely at fault; a device that its driver
    /// calls bad, or that a cluster takes away, is worth waiting for.
    pub(super) fn hopeless(&self, worked: bool) -> bool {
        match self.cause {
            Cause::Workers => self.quarantines >= ENOUGH || !worked,
            Cause::Driver => self.quarantines >= ENOUGH,
            Cause::Cluster => false,
        }
    }

    /// Whether other devices are preferred.
    pub(super) fn is_doubtful(&self) -> bool {
        self.condition != Condition::Well
    }

    /// Sort key of devices: least trouble first.
    pub(super) fn trouble(&self) -> (u32, bool, u32) {
        (self.quarantines, self.is_doubtful(), self.faults)
    }

    fn is_bad(&self) -> bool {
        matches!(self.condition, Condition::Bad(_))
    }

    fn is_over(&self, now: Now) -> bool {
        self.until.is_none_or(|until| until <= now)
    }

    fn quarantine(&mut self, now: Now) -> Now {
        // The next worker is a probe: one more end will do.
        (self.faults, self.outside) = (self.faults.min(FAULTS - 1), self.outside.min(OUTSIDE - 1));
        let pause = LONGEST.min(SHORTEST * 2_u32.pow(self.quarantines.min(6)));
        self.quarantines += 1;
        self.until = Some(now + pause);
        pause
    }
}
