//! A unit on its way through the worker, and why it may not get through.

use std::time::{Duration, Instant};

use attribution::MethodError;
use data::DataError;
use data::mean::MeanError;
use data::noise::NoiseError;
use network::NetworkError;
use store::StoreError;
use sweep::message::{Failure, FromWorker, Learned, Report};
use tch::TchError;

use crate::connection::{Grant, Link};
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
}

impl From<TchError> for UnitError {
    fn from(error: TchError) -> Self {
        Self::Network(NetworkError::Torch(error))
    }
}

impl UnitError {
    /// What kind of failure it is, which decides what the scheduler does.
    pub(crate) fn class(&self) -> Failure {
        match self {
            Self::Network(NetworkError::Torch(error)) if is_out_of_memory(error) => Failure::OutOfMemory,
            Self::NoRoom(_) => Failure::OutOfMemory,
            Self::Network(_) if self.is_sticky() => Failure::Sticky,
            Self::Data(DataError::Read { .. })
            | Self::Mean(MeanError::Read { .. })
            | Self::Network(NetworkError::Torch(_))
            | Self::Stopped => Failure::Engine,
            Self::Data(_)
            | Self::Mean(_)
            | Self::Noise(_)
            | Self::Method(_)
            | Self::Network(_)
            | Self::Changed { .. }
            | Self::Store(StoreError::Damaged { .. }) => Failure::Input,
            Self::Store(StoreError::TooLarge { .. }) | Self::NotFinite { .. } => Failure::Number,
            Self::Store(_) => Failure::Storage,
        }
    }

    /// Whether the CUDA context is lost, so that every later call of this process would fail too.
    pub(crate) fn is_sticky(&self) -> bool {
        let Self::Network(NetworkError::Torch(error)) = self else { return false };
        first_line(error).contains("CUDA error:") && !is_out_of_memory(error)
    }

    /// The message with its causes, in one line.
    pub(crate) fn text(&self) -> String {
        if let Self::Network(NetworkError::Torch(error)) = self {
            return format!("libtorch: {}", first_line(error));
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

/// tch keeps libtorch's words only. CPU and CUDA, and the libraries below, each say it in their own.
fn is_out_of_memory(error: &TchError) -> bool {
    let text = first_line(error).to_lowercase();
    OUT_OF_MEMORY.iter().any(|words| text.contains(words))
}

/// The message without the C++ backtrace that follows it, in which any word may stand.
fn first_line(error: &TchError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

/// In the words of libtorch, cuBLAS and cuDNN, the C++ library, oneDNN; and of CUDA, whose grids end at 65535 blocks.
const OUT_OF_MEMORY: [&str; 9] = [
    "out of memory",
    "can't allocate memory",
    "_status_alloc_failed",
    "would exceed allowed memory",
    "std::bad_alloc",
    "more than 1eb memory",
    "invalid configuration argument",
    "could not create a memory",
    "could not execute a primitive",
];

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
        }
    }

    /// Tells the scheduler how it ended.
    pub(crate) fn report(self, link: &Link, outcome: Result<(), UnitError>) {
        let (unit, attempt) = (self.grant.unit.id(), self.grant.attempt);
        match outcome {
            Ok(()) => {
                let (seconds, computing) = (self.started.elapsed().as_secs_f64(), self.computing.as_secs_f64());
                let (maps, bytes, underflow, incomplete) = (self.maps, self.bytes, self.underflow, self.incomplete);
                let report = Report { maps, bytes, seconds, computing, underflow, incomplete, learned: self.learned };
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
            Err(UnitError::Stopped) => {}
            Err(error) => {
                let (class, text) = (error.class(), error.text());
                tracing::warn!(%unit, attempt, ?class, error = text, "failed");
                link.send(&FromWorker::Failed { unit, attempt, class, text });
            }
        }
    }
}
