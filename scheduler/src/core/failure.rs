//! Classes of failures: whose fault each is, how often it is put up with, and what follows.

use fleet::Ended;
use protocol::exit::ExitCode;
use protocol::message::Failure;

/// What went wrong with a unit or with the worker that held it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Class {
    /// What the store holds of the unit is damaged.
    Input,
    /// Data or weights of the whole group have changed or are damaged.
    Group,
    /// A result is not finite, or does not fit.
    Number,
    /// libtorch failed.
    Engine,
    /// The device has too little memory, after the worker did what it could.
    DeviceMemory,
    /// The device failed in a way that only a new process mends.
    Sticky,
    /// The host has too little memory: the worker said so, or was aborted.
    HostMemory,
    /// Took longer than it may.
    Hung,
    /// The worker ended in any other way: a unit that does that to every worker is poison.
    Crash,
    /// Ended by SIGKILL. From outside it is nobody's fault, but the kernel's memory killer looks the same.
    Killed,
    /// Ended by SIGTERM from outside: somebody wants the machine.
    Preempted,
    /// Not heard for a lease.
    Lost,
    /// The device could not be opened, or the process not be used at all.
    Device,
}

/// What follows from a failure.
pub(super) struct Answer {
    /// Failures of the class after which a unit is given up; none where units have no part in it.
    pub(super) budget: Option<u32>,
    /// Whether the unit is to wait until all others have been tried.
    pub(super) last: bool,
    /// What it says of the device whose worker ended so.
    pub(super) device: Suspicion,
    /// In the reason of a unit that is given up: `<words>: 3 of 3`.
    pub(super) words: &'static str,
}

/// What the end of a worker says of its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspicion {
    /// It may be broken.
    Fault,
    /// Next to nothing.
    Outside,
}

impl Class {
    /// The table. `retries` is the `max_retries` of the config.
    pub(super) fn answer(self, retries: u32) -> Answer {
        use Suspicion::{Fault, Outside};
        let (budget, last, device, words) = match self {
            Self::Input => (Some(1), true, Outside, "bad input"),
            // Counted by group, not by unit: see `units::Units::failed`.
            Self::Group => (None, true, Outside, "bad input"),
            Self::Number => (Some(1), true, Outside, "results that cannot be stored"),
            Self::Engine => (Some(retries + 1), true, Outside, "failures"),
            Self::DeviceMemory => (Some(retries + 1), true, Outside, "times out of device memory"),
            Self::Sticky => (Some(3), true, Fault, "failures of its device"),
            // Batches are halved each time.
            Self::HostMemory => (Some(6), true, Outside, "times out of host memory"),
            Self::Hung => (Some(retries + 1), true, Outside, "times too slow"),
            Self::Crash => (Some(3), true, Fault, "crashes of its worker"),
            // Two hundred over a sweep must not end a unit that gets on between them.
            Self::Killed => (Some(50), false, Outside, "kills of its worker"),
            Self::Preempted => (Some(50), false, Outside, "preemptions of its worker"),
            Self::Lost => (Some(30), false, Outside, "workers not heard any more"),
            Self::Device => (None, false, Fault, "devices that cannot be used"),
        };
        Answer { budget, last, device, words }
    }
}

const ALL: [Class; 13] = [
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
    Class::Lost,
    Class::Device,
];

impl Class {
    /// Its name in the journal: of what workers say, that which they say.
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
            Self::Lost => "Lost",
            Self::Device => "Device",
        }
    }

    /// The class of that name; nothing for failures that count against no unit, or of another version.
    pub(super) fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|class| class.name() == name)
    }
}

impl From<Failure> for Class {
    /// [`Failure::Storage`] is no class: it is the folder's failure, and the sweep waits.
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
            ExitCode::DeviceLost | ExitCode::NoDevice | ExitCode::Refused => Self::Device,
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

/// `how` in words, for logs and last messages.
pub(super) fn words(how: Ended) -> String {
    match how {
        Ended::Code(code) => format!("its worker left with exit code {code}"),
        Ended::Signal(signal) => format!("its worker was ended by signal {signal}"),
        Ended::OutOfMemory => "its worker was ended by the kernel, which had no memory left".to_owned(),
        Ended::Unseen => "its worker ended".to_owned(),
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
