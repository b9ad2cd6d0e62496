//! The health of a device: one on which workers keep ending, or that its driver calls bad, is left alone for a while,
//! then tried again.

use fleet::Condition;

use super::event::Now;
use super::failure::Suspicion;

/// Ends in a row that may be the device's fault before it is quarantined.
const FAULTS: u32 = 5;
/// As `FAULTS`, for ends from outside.
const OUTSIDE: u32 = 60;
/// First quarantine. Each one that follows without a unit done in between is twice as long.
const SHORTEST: Now = Now::from_mins(1);
const LONGEST: Now = Now::from_hours(1);
/// Quarantines in a row after which nobody would wait any longer: most of a day.
const ENOUGH: u32 = 24;

/// What is known of a device.
#[derive(Debug)]
pub(super) struct Health {
    faults: u32,
    outside: u32,
    /// Quarantines since the last unit that was done here.
    quarantines: u32,
    until: Option<Now>,
    /// Whether the driver was the reason for the last one.
    by_driver: bool,
    /// As its driver sees it.
    condition: Condition,
}

impl Health {
    /// Nothing has gone wrong.
    pub(super) fn new() -> Self {
        Self { faults: 0, outside: 0, quarantines: 0, until: None, by_driver: false, condition: Condition::Well }
    }

    /// A worker ended without a unit done since the last one. The quarantine's length, if that begins one.
    pub(super) fn ended(&mut self, suspicion: Suspicion, now: Now) -> Option<Now> {
        match suspicion {
            Suspicion::Fault => self.faults += 1,
            Suspicion::Outside => self.outside += 1,
        }
        // The worker of a device that turned bad was ended for that: it is in quarantine already.
        let enough = self.faults >= FAULTS || self.outside >= OUTSIDE;
        (enough && self.usable(now)).then(|| {
            self.by_driver = false;
            self.quarantine(now)
        })
    }

    /// The driver sees the device in `condition`. The quarantine's length, if that begins one.
    pub(super) fn seen(&mut self, condition: Condition, now: Now) -> Option<Now> {
        self.condition = condition;
        self.look(now)
    }

    /// A bad device that is in no quarantine begins one, of this length: the next one, if it stays bad.
    pub(super) fn look(&mut self, now: Now) -> Option<Now> {
        (self.is_bad() && self.is_over(now)).then(|| {
            (self.faults, self.by_driver) = (FAULTS, true);
            self.quarantine(now)
        })
    }

    /// A unit was done: the device works.
    pub(super) fn proven(&mut self) {
        // What its driver says of it stands.
        *self = Self { condition: self.condition.clone(), ..Self::new() };
    }

    /// Whether a worker may be started: its pause is over, and its driver does not call it bad.
    pub(super) fn usable(&self, now: Now) -> bool {
        self.is_over(now) && !self.is_bad()
    }

    /// Whether it was tried often enough to believe that it is broken. Where no device has `worked` yet, one whose
    /// workers only ever end is not worth waiting for: it is the program, most likely. One that is sick is.
    pub(super) fn hopeless(&self, worked: bool) -> bool {
        self.quarantines >= ENOUGH || !(worked || self.by_driver)
    }

    /// Whether others are to be preferred.
    pub(super) fn is_doubtful(&self) -> bool {
        self.condition != Condition::Well
    }

    /// Orders devices: least went wrong first.
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
