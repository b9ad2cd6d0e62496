//! Errors for which a unit was not done, and the class of failure that the scheduler is told of each.

use std::io::{self, ErrorKind};

use attribution::MethodError;
use data::DataError;
use data::mean::MeanError;
use data::noise::NoiseError;
use evaluation::MeasureError;
use network::{Graph, NetworkError};
use protocol::message::Failure;
use store::StoreError;
use sweep::unit::UnitId;
use tch::TchError;

use crate::libtorch::error_texts::{self, Meaning};

/// Error for which a unit was not done.
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
    Measure(#[from] MeasureError),
    #[error("no family of measurements that this worker knows is called `{family}`")]
    UnknownFamily { family: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("`{file}` has changed since the sweep was checked")]
    Changed { file: String },
    #[error("{what} of image {image} holds NaN or infinity")]
    NotFinite { what: String, image: u64 },
    #[error("no kind of work that this worker knows carries out `{unit}`")]
    UnknownKind { unit: UnitId },
    /// Stopped, as the scheduler says so, or as what is computed cannot be written.
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
    /// Class of the failure, which decides what the scheduler does.
    pub(crate) fn class(&self) -> Failure {
        if let Some(error) = self.torch() {
            return match error_texts::meaning(error) {
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
                | Self::Measure(_)
                | Self::UnknownFamily { .. }
                | Self::Network(_)
                | Self::Changed { .. },
                _,
            ) => Failure::Group,
            // Another attempt would find the same store, or ask the same worker program.
            (Self::Store(StoreError::Damaged { .. }) | Self::UnknownKind { .. }, _) => Failure::Input,
            (Self::Store(StoreError::TooLarge { .. } | StoreError::Encode { .. }) | Self::NotFinite { .. }, _) => {
                Failure::Number
            }
            (Self::Store(_), _) => Failure::Storage,
        }
    }

    /// Error of the operating system, if the operating system failed.
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
        matches!(self, Self::Disagrees(_)) || self.torch().and_then(error_texts::meaning) == Some(Meaning::Sticky)
    }

    /// Whether the lowered graph was taken out of use: made again, the same unit runs on the plain graph.
    pub(crate) fn is_disproof(&self) -> bool {
        match self {
            Self::Network(NetworkError::Torch(error)) | Self::Method(MethodError::Torch(error)) => {
                Graph::is_disproof(error)
            }
            _ => false,
        }
    }

    /// Error of libtorch, if libtorch failed.
    fn torch(&self) -> Option<&TchError> {
        match self {
            Self::Network(NetworkError::Torch(error)) | Self::Method(MethodError::Torch(error)) => Some(error),
            _ => None,
        }
    }

    /// The message with its causes, in one line.
    pub(crate) fn text(&self) -> String {
        if let Some(error) = self.torch() {
            return format!("libtorch: {}", error_texts::first_line(error));
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
