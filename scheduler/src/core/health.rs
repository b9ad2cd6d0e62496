//! The health of a device: one on which workers keep ending is left alone for a while, then tried again.

use super::Now;
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
#[derive(Debug, Default)]
pub(super) struct Health {
    faults: u32,
    outside: u32,
    /// Quarantines since the last unit that was done here.
    quarantines: u32,
    until: Option<Now>,
}

impl Health {
    /// A worker ended without a unit done since the last one. The quarantine's length, if that begins one.
    pub(super) fn ended(&mut self, suspicion: Suspicion, now: Now) -> Option<Now> {
        match suspicion {
            Suspicion::Fault => self.faults += 1,
            Suspicion::Outside => self.outside += 1,
        }
        if self.faults < FAULTS && self.outside < OUTSIDE {
            return None;
        }
        // The next worker is a probe: one more end will do.
        (self.faults, self.outside) = (self.faults.min(FAULTS - 1), self.outside.min(OUTSIDE - 1));
        let pause = LONGEST.min(SHORTEST * 2_u32.pow(self.quarantines.min(6)));
        self.quarantines += 1;
        self.until = Some(now + pause);
        Some(pause)
    }

    /// A unit was done: the device works.
    pub(super) fn proven(&mut self) {
        *self = Self::default();
    }

    /// Whether a worker may be started.
    pub(super) fn usable(&self, now: Now) -> bool {
        self.until.is_none_or(|until| until <= now)
    }

    /// Whether it was tried often enough to believe that it is broken.
    pub(super) fn hopeless(&self) -> bool {
        self.quarantines >= ENOUGH
    }

    /// Orders devices: least went wrong first.
    pub(super) fn trouble(&self) -> (u32, u32) {
        (self.quarantines, self.faults)
    }
}
