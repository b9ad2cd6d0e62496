//! Conditions of a GPU, concluded from readings. The table follows NVIDIA's catalogue of XIDs and the actions that it asks for.

use super::gauge::Reading;

/// Condition of a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing speaks against it.
    Well,
    /// It computes, but other GPUs are to be preferred, for this reason.
    Doubtful(String),
    /// Its results cannot be trusted, or it does not compute at all, for this reason.
    Bad(String),
}

/// Conclusion from an XID, the number of an error that the driver logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// The device is not to blame: an error of the program that ran, which fails by itself, of links between devices, which are
    /// not used, or an error that was corrected.
    Nothing,
    /// The device must be reset, or be put into its socket again.
    Broken,
}

/// Every XID that is known, with words for a person. Nothing is concluded from any other XID.
const XIDS: &[(u64, Meaning, &str)] = &[
    (8, Meaning::Nothing, "a kernel ran too long"),
    (13, Meaning::Nothing, "an exception in a kernel"),
    (31, Meaning::Nothing, "a page fault of a kernel"),
    (43, Meaning::Nothing, "a channel was reset"),
    (45, Meaning::Nothing, "a program was torn down"),
    (46, Meaning::Broken, "it stopped working"),
    (48, Meaning::Broken, "a memory error that could not be corrected"),
    (62, Meaning::Broken, "its power management stopped"),
    (63, Meaning::Nothing, "memory was retired"),
    (64, Meaning::Broken, "memory could not be retired"),
    (69, Meaning::Nothing, "an exception of a program's class"),
    (74, Meaning::Nothing, "an error of a link to other GPUs"),
    (79, Meaning::Broken, "it has fallen off the bus"),
    (92, Meaning::Nothing, "many memory errors were corrected"),
    (94, Meaning::Nothing, "a memory error that one program alone met"),
    (95, Meaning::Broken, "a memory error that was not contained"),
    (109, Meaning::Broken, "a context switch timed out"),
    (110, Meaning::Broken, "a security fault"),
    (119, Meaning::Broken, "its processor did not answer"),
    (120, Meaning::Broken, "its processor failed"),
    (140, Meaning::Broken, "a memory error in another unit"),
    (143, Meaning::Broken, "its initialisation failed"),
    // Which action is recommended the event does not say.
    (154, Meaning::Nothing, "the driver recommends an action"),
];

/// Readings in a row with throttled clocks from which on a GPU is doubtful.
const SUSTAINED: u32 = 15;

/// Readings of a device so far, as far as conclusions depend on them.
#[derive(Debug, Default)]
pub(super) struct History {
    uncorrected: Option<u64>,
    throttled: u32,
    told: Option<Condition>,
}

impl History {
    /// Adds a reading. Returns the condition, if it has changed.
    pub(super) fn add(&mut self, reading: Reading) -> Option<Condition> {
        let condition = self.judge(reading);
        let was = self.told.replace(condition.clone()).unwrap_or(Condition::Well);
        (was != condition).then_some(condition)
    }

    fn judge(&mut self, reading: Reading) -> Condition {
        self.throttled = if reading.throttled == Some(true) { self.throttled + 1 } else { 0 };
        let errors = self.new_errors(reading.uncorrected);
        if let Some(reason) = reading.gone {
            return Condition::Bad(reason);
        }
        if let Some(reason) = reading.xids.iter().find_map(|xid| broken(*xid)) {
            return Condition::Bad(reason);
        }
        if errors > 0 {
            return Condition::Bad(format!("{errors} memory errors that could not be corrected"));
        }
        if reading.retiring == Some(true) {
            return Condition::Doubtful("memory is to be retired, which needs a reset of the GPU".to_owned());
        }
        if self.throttled >= SUSTAINED {
            return Condition::Doubtful("heat or the power supply holds its clocks down".to_owned());
        }
        Condition::Well
    }

    /// Uncorrected errors since the last reading. Errors from before the first reading do not count.
    fn new_errors(&mut self, count: Option<u64>) -> u64 {
        let Some(count) = count else { return 0 };
        count.saturating_sub(self.uncorrected.replace(count).unwrap_or(count))
    }
}

/// The reason why a device that logged `xid` is broken, if it is.
fn broken(xid: u64) -> Option<String> {
    let known = XIDS.iter().find(|(known, _, _)| *known == xid);
    tracing::warn!(xid, words = known.map_or("unknown", |(_, _, words)| words), "a GPU logged an error");
    known.filter(|(_, meaning, _)| *meaning == Meaning::Broken).map(|(_, _, words)| format!("XID {xid}: {words}"))
}

#[cfg(test)]
mod tests;
