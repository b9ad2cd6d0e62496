//! Classes of failures: the party at fault, the number of failures that is tolerated, and the consequence.

use fleet::Ended;
use protocol::exit::ExitCode;
use protocol::message::Failure;

/// Class of a failure of a unit, or of the worker that held the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Class {
    /// The content of the store for the unit is damaged.
    Input,
    /// Data or weights of the whole group have changed or are damaged.
    Group,
    /// A result is not finite, or does not fit into the type of the store.
    Number,
    /// libtorch failed.
    Engine,
    /// The device has too little memory, even after the worker made its batches smaller.
    DeviceMemory,
    /// The device failed in a way from which only a new process recovers.
    Sticky,
    /// The host has too little memory: the worker reported so, or was aborted.
    HostMemory,
    /// The unit took longer than its deadline.
    Hung,
    /// The worker ended in any other way. A unit that ends every worker so is poison.
    Crash,
    /// SIGKILL ended the worker. Sent from outside, the signal is nobody's fault, but the memory killer of the kernel
    /// sends the same.
    Killed,
    /// SIGTERM from outside ended the worker: somebody wants the machine.
    Preempted,
    /// The launcher of the worker says that the machine was taken away: a job was preempted, or came to its end.
    TakenAway,
    /// The worker was not heard for a lease.
    Lost,
    /// The device could not be opened, or the process could not be used at all.
    Device,
}

/// Consequence of a failure.
pub(super) struct Answer {
    /// Number of failures of the class after which a unit is given up; `None` where the unit has no part in the failure.
    pub(super) budget: Option<u32>,
    /// Whether the unit waits until all others have been tried.
    pub(super) last: bool,
    /// Suspicion against the device whose worker ended so.
    pub(super) device: Suspicion,
    /// Words in the reason of a unit that is given up: `<words>: 3 of 3`.
    pub(super) words: &'static str,
}

/// Suspicion that the end of a worker raises against its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspicion {
    /// The device may be broken.
    Fault,
    /// The end came from outside, and says next to nothing of the device.
    Outside,
    /// A cluster took the device away, and gives another one when it has one.
    Cluster,
}

impl Class {
    /// Consequence of each class. `retries` is the `max_retries` of the config.
    pub(super) fn answer(self, retries: u32) -> Answer {
        use Suspicion::{Cluster, Fault, Outside};
        let (budget, last, device, words) = match self {
            Self::Input => (Some(1), true, Outside, "bad input"),
            // Counted by group, not by unit: see `units::Units::failed`.
            Self::Group => (None, true, Outside, "bad input"),
            Self::Number => (Some(1), true, Outside, "results that cannot be stored"),
            Self::Engine => (Some(retries + 1), true, Outside, "failures"),
            Self::DeviceMemory => (Some(retries + 1), true, Outside, "times out of device memory"),
            Self::Sticky => (Some(3), true, Fault, "failures of its device"),
            // Batches are halved each time ([`lacks_host_memory`]).
            Self::HostMemory => (Some(6), true, Outside, "times out of host memory"),
            Self::Hung => (Some(retries + 1), true, Outside, "times too slow"),
            Self::Crash => (Some(3), true, Fault, "crashes of its worker"),
            // Two hundred over a sweep must not end a unit that gets on between them.
            Self::Killed => (Some(50), false, Outside, "kills of its worker"),
            Self::Preempted => (Some(50), false, Outside, "preemptions of its worker"),
            // Somebody else decides how often that happens, and what was written of the unit stays.
            Self::TakenAway => (None, false, Cluster, "machines that were taken away"),
            Self::Lost => (Some(30), false, Outside, "workers not heard any more"),
            Self::Device => (None, false, Fault, "devices that cannot be used"),
        };
        Answer { budget, last, device, words }
    }
}

const ALL: [Class; 14] = [
    Class::Input,
    Class::Group,
    Class::Number,
    Class::Engine,
    Class::DeviceMemory,
    Class::Sticky,
    Class::HostMemory,
    Class::Hung,
    Class::Crash,
    Class::Killed,
    Class::Preempted,
    Class::TakenAway,
    Class::Lost,
    Class::Device,
];

impl Class {
    /// Name of the class in the journal; a class that workers report has the name from their messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Input => "Input",
            Self::Group => "Group",
            Self::Number => "Number",
            Self::Engine => "Engine",
            Self::DeviceMemory => "OutOfMemory",
            Self::Sticky => "Sticky",
            Self::HostMemory => "HostMemory",
            Self::Hung => "Hung",
            Self::Crash => "Crash",
            Self::Killed => "Killed",
            Self::Preempted => "Preempted",
            Self::TakenAway => "TakenAway",
            Self::Lost => "Lost",
            Self::Device => "Device",
        }
    }

    /// Class of that name; `None` for failures that count against no unit, or of another version.
    pub(super) fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|class| class.name() == name)
    }
}

impl From<Failure> for Class {
    /// Class of a failure that a worker reports. [`Failure::Storage`] has no class of its own: the output folder has
    /// failed, and the sweep waits.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Input => Self::Input,
            Failure::Group => Self::Group,
            Failure::Number => Self::Number,
            Failure::OutOfMemory => Self::DeviceMemory,
            Failure::Sticky => Self::Sticky,
            Failure::Engine | Failure::Storage => Self::Engine,
        }
    }
}

impl From<Ended> for Class {
    fn from(how: Ended) -> Self {
        match how {
            Ended::Signal(SIGKILL) => Self::Killed,
            Ended::Signal(SIGTERM | SIGINT | SIGHUP) => Self::Preempted,
            // What C++ ends with where memory for an exception is wanting.
            Ended::Signal(SIGABRT) | Ended::OutOfMemory => Self::HostMemory,
            Ended::Unseen => Self::Lost,
            Ended::TakenAway => Self::TakenAway,
            Ended::Code(code) => ExitCode::of(code).map_or(Self::Crash, Self::from),
            Ended::Signal(_) => Self::Crash,
        }
    }
}

impl From<ExitCode> for Class {
    fn from(code: ExitCode) -> Self {
        match code {
            ExitCode::Preempted => Self::Preempted,
            ExitCode::HostMemory => Self::HostMemory,
            ExitCode::LeaseLost => Self::Lost,
            // The unit at which a sticky failure showed was reported; the next one only waited behind it.
            ExitCode::DeviceLost | ExitCode::NoDevice | ExitCode::Refused | ExitCode::Blind => Self::Device,
            ExitCode::Done | ExitCode::Usage | ExitCode::Defect | ExitCode::Request | ExitCode::OutOfMemory => {
                Self::Crash
            }
        }
    }
}

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// Whether `how` counts as a want of memory of the host, after which the next attempt has smaller batches.
pub(crate) fn lacks_host_memory(how: Ended) -> bool {
    Class::from(how) == Class::HostMemory
}

/// Description of the end `how`, for logs and last messages.
pub(super) fn words(how: Ended) -> String {
    match how {
        Ended::Code(code) => format!("its worker left with exit code {code}"),
        Ended::Signal(signal) => format!("its worker was ended by signal {signal}"),
        Ended::OutOfMemory => "its worker was ended by the kernel, which had no memory left".to_owned(),
        Ended::Unseen => "its worker ended".to_owned(),
        Ended::TakenAway => "its worker's job was ended by the cluster".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_read_from_the_journal_as_it_is_written() {
        for class in ALL {
            assert_eq!(Class::named(class.name()), Some(class));
        }
    }

    #[test]
    fn what_workers_say_is_written_in_their_words() {
        use Failure::{Engine, Group, Input, Number, OutOfMemory, Sticky};
        for failure in [Input, Group, Number, OutOfMemory, Sticky, Engine] {
            assert_eq!(Class::named(&format!("{failure:?}")), Some(failure.into()));
        }
        assert_eq!(Class::named("Storage"), None, "it is the folder's");
    }
}
