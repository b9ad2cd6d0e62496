//! A unit on its way through the worker, and why it may not get through.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use attribution::MethodError;
use data::DataError;
use data::mean::MeanError;
use data::noise::NoiseError;
use network::{Graph, NetworkError};
use store::StoreError;
use sweep::computed_by::ComputedBy;
use sweep::message::{Failure, FromWorker, Learned, Report};
use tch::TchError;

use crate::connection::{Grant, Link};
use crate::texts::{self, Meaning};
use crate::{counted, memory};

/// Why a unit was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnitError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Mean(#[from] MeanError),
    #[error(transparent)]
    Noise(#[from] NoiseError),
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error(transparent)]
    Method(#[from] MethodError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("`{file}` has changed since the sweep was checked")]
    Changed { file: String },
    #[error("{what} of image {image} holds NaN or infinity")]
    NotFinite { what: String, image: u64 },
    /// The scheduler says so, or what is computed cannot be written.
    #[error("told to stop")]
    Stopped,
    #[error("what is asked for does not fit into the memory of the device: {0}")]
    NoRoom(String),
    #[error("the device computes otherwise than the processor beside it: {0}")]
    Disagrees(String),
}

impl From<TchError> for UnitError {
    fn from(error: TchError) -> Self {
        Self::Network(NetworkError::Torch(error))
    }
}

impl UnitError {
    /// What kind of failure it is, which decides what the scheduler does.
    pub(crate) fn class(&self) -> Failure {
        if let Some(error) = self.torch() {
            return match texts::meaning(error) {
                Some(Meaning::OutOfMemory) => Failure::OutOfMemory,
                Some(Meaning::Sticky) => Failure::Sticky,
                None => Failure::Engine,
            };
        }
        match (self, self.io()) {
            (Self::NoRoom(_), _) => Failure::OutOfMemory,
            // The device is left alone; another process on it may find it well.
            (Self::Disagrees(_), _) => Failure::Sticky,
            // A file server that is away comes back, and the sweep waits for it.
            (_, Some(error)) if is_away(error) => Failure::Storage,
            // Something else stands where a file or a folder of the store belongs: waiting mends nothing.
            (Self::Store(_), Some(error))
                if matches!(error.kind(), ErrorKind::NotADirectory | ErrorKind::IsADirectory) =>
            {
                Failure::Input
            }
            // A file that is not there is as good as another one in its place.
            (Self::Data(DataError::Read { .. }) | Self::Mean(MeanError::Read { .. }), Some(error))
                if error.kind() != ErrorKind::NotFound =>
            {
                Failure::Engine
            }
            (Self::Stopped, _) => Failure::Engine,
            // Every unit of the group reads the same files.
            (
                Self::Data(_)
                | Self::Mean(_)
                | Self::Noise(_)
                | Self::Method(_)
                | Self::Network(_)
                | Self::Changed { .. },
                _,
            ) => Failure::Group,
            (Self::Store(StoreError::Damaged { .. }), _) => Failure::Input,
            (Self::Store(StoreError::TooLarge { .. } | StoreError::Encode { .. }) | Self::NotFinite { .. }, _) => {
                Failure::Number
            }
            (Self::Store(_), _) => Failure::Storage,
        }
    }

    /// What the system said, if that is what failed.
    fn io(&self) -> Option<&io::Error> {
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref() {
                return Some(error);
            }
            cause = error.source();
        }
        None
    }

    /// Whether the CUDA context is lost, so that every later call of this process would fail too.
    pub(crate) fn is_sticky(&self) -> bool {
        matches!(self, Self::Disagrees(_)) || self.torch().and_then(texts::meaning) == Some(Meaning::Sticky)
    }

    /// Whether the lowered graph was taken out of use: made again, the same runs on the plain one.
    pub(crate) fn is_disproof(&self) -> bool {
        match self {
            Self::Network(NetworkError::Torch(error)) | Self::Method(MethodError::Torch(error)) => {
                Graph::is_disproof(error)
            }
            _ => false,
        }
    }

    /// What libtorch said, if that is what failed.
    fn torch(&self) -> Option<&TchError> {
        match self {
            Self::Network(NetworkError::Torch(error)) | Self::Method(MethodError::Torch(error)) => Some(error),
            _ => None,
        }
    }

    /// The message with its causes, in one line.
    pub(crate) fn text(&self) -> String {
        if let Some(error) = self.torch() {
            return format!("libtorch: {}", texts::first_line(error));
        }
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}

/// Whether a file could not be reached, which says nothing of the file.
fn is_away(error: &io::Error) -> bool {
    use ErrorKind::{HostUnreachable, NetworkDown, NetworkUnreachable, NotConnected, StaleNetworkFileHandle, TimedOut};
    matches!(
        error.kind(),
        HostUnreachable | NetworkDown | NetworkUnreachable | NotConnected | StaleNetworkFileHandle | TimedOut
    )
}

/// A granted unit and what it took so far.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) grant: Grant,
    started: Instant,
    /// From disk to images with noise.
    pub(crate) reading: Duration,
    /// The second stage had nothing to compute before.
    pub(crate) waiting: Duration,
    pub(crate) computing: Duration,
    /// The second stage could not give away what it had computed.
    pub(crate) blocked: Duration,
    /// From values to files that are in place.
    pub(crate) writing: Duration,
    pub(crate) maps: u64,
    pub(crate) bytes: u64,
    pub(crate) underflow: Vec<(String, f32)>,
    pub(crate) incomplete: Vec<(String, f32)>,
    pub(crate) learned: Vec<Learned>,
    pub(crate) computed_by: Vec<ComputedBy>,
    pub(crate) fell_back: Option<String>,
}

impl Job {
    pub(crate) fn new(grant: Grant) -> Self {
        Self {
            grant,
            started: Instant::now(),
            reading: Duration::ZERO,
            waiting: Duration::ZERO,
            computing: Duration::ZERO,
            blocked: Duration::ZERO,
            writing: Duration::ZERO,
            maps: 0,
            bytes: 0,
            underflow: Vec::new(),
            incomplete: Vec::new(),
            learned: Vec::new(),
            computed_by: Vec::new(),
            fell_back: None,
        }
    }

    /// Tells the scheduler how it ended.
    pub(crate) fn report(self, link: &Link, outcome: Result<(), UnitError>) {
        let (unit, attempt) = (self.grant.unit.id(), self.grant.attempt);
        match outcome {
            Ok(()) => {
                let (seconds, computing) = (self.started.elapsed().as_secs_f64(), self.computing.as_secs_f64());
                let (maps, bytes, underflow, incomplete) = (self.maps, self.bytes, self.underflow, self.incomplete);
                let (learned, computed_by, fell_back) = (self.learned, self.computed_by, self.fell_back);
                let report =
                    Report { maps, bytes, seconds, computing, underflow, incomplete, learned, computed_by, fell_back };
                tracing::info!(
                    %unit, attempt, maps, bytes, seconds,
                    reading = self.reading.as_secs_f64(),
                    waiting = self.waiting.as_secs_f64(),
                    computing,
                    blocked = self.blocked.as_secs_f64(),
                    writing = self.writing.as_secs_f64(),
                    resident = memory::resident(),
                    held = counted::used(),
                    "done"
                );
                link.send(&FromWorker::Done { unit, attempt, report });
            }
            Err(UnitError::Stopped) => link.stopped(unit, attempt),
            Err(error) => {
                let (class, text) = (error.class(), error.text());
                tracing::warn!(%unit, attempt, ?class, error = text, "failed");
                link.send(&FromWorker::Failed { unit, attempt, class, text });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A method fails as a network does: it is libtorch that says why.
    #[test]
    fn what_libtorch_says_decides_wherever_it_was_said() {
        let cases = [
            ("CUDA out of memory.", Failure::OutOfMemory),
            ("CUDA error: unknown error", Failure::Sticky),
            ("sizes differ", Failure::Engine),
        ];
        for (text, class) in cases {
            let error = || TchError::Torch(text.to_owned());
            for error in [UnitError::from(error()), UnitError::Method(MethodError::Torch(error()))] {
                assert_eq!((error.class(), error.is_sticky()), (class, class == Failure::Sticky), "{text}");
                assert!(error.text().starts_with("libtorch: "), "{}", error.text());
            }
        }
    }
}
