//! Reasons for which nothing can be measured.

use std::path::PathBuf;

use data::DataError;
use data::mean::MeanError;
use network::NetworkError;
use protocol::message::Failure;

use crate::exit::Exit;
use crate::unit_error::UnitError;

/// Reason for which nothing can be measured.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProbeError {
    #[error("no data for `{dataset}` at {size} px: expected `{}`", expected.display())]
    NoData { dataset: String, size: usize, expected: PathBuf },
    #[error("`{}` has {has} images, {asked} were asked for; at least one is needed", file.display())]
    Images { file: PathBuf, has: u64, asked: u64 },
    #[error("unknown method `{class}`, {hint}")]
    Method { class: String, hint: String },
    #[error("variant `{key}`: parameter `{parameter}`: {text}")]
    Parameter { key: String, parameter: String, text: String },
    #[error("variant `{key}`: a batch of 0 images was asked for; at least one is needed")]
    Batch { key: String },
    #[error("cannot write maps to `{}`: {source}", file.display())]
    Maps { file: PathBuf, source: safetensors::SafeTensorError },
    #[error("{}", .0.text())]
    Unit(#[from] UnitError),
}

impl From<DataError> for ProbeError {
    fn from(error: DataError) -> Self {
        Self::Unit(error.into())
    }
}

impl From<MeanError> for ProbeError {
    fn from(error: MeanError) -> Self {
        Self::Unit(error.into())
    }
}

impl From<NetworkError> for ProbeError {
    fn from(error: NetworkError) -> Self {
        Self::Unit(error.into())
    }
}

impl From<ProbeError> for Exit {
    fn from(error: ProbeError) -> Self {
        match error {
            ProbeError::Unit(unit) if unit.is_sticky() => Self::sticky(unit.text()),
            ProbeError::Unit(unit) if unit.class() == Failure::OutOfMemory => Self::memory(unit.text()),
            error => Self::request(error.to_string()),
        }
    }
}
