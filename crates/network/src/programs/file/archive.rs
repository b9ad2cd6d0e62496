//! The archive of a program: its description, and tensors as raw bytes. No pickle in it is read.
//!
//! Everything in the file may be a lie. Entries are stored uncompressed, so none can be larger than the
//! file; a tensor cannot have more values than its entry has bytes for; and the tensors that are
//! read cannot be many times the file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;
use tch::{Device, Kind, Tensor};
use zip::{CompressionMethod, ZipArchive};

use super::schema::{Payload, Payloads, Program, Size, TensorMeta, Versioned};
use crate::programs::ExportError;

/// The schema that is understood.
const MAJOR: i64 = 8;

/// Limit of the bytes of all tensors, in sizes of the file: tied weights are read once for each name.
const SHARING: u64 = 4;

/// An open `.pt2` file.
pub(in crate::programs) struct Archive {
    zip: ZipArchive<File>,
    /// Length of the file in bytes.
    length: u64,
    /// Prefix of every name in the archive: the folder that torch names after the file.
    top: String,
    /// Bytes of tensors read so far.
    taken: u64,
    weights: Payloads,
    constants: Payloads,
}

const MODEL: &str = "models/model.json";
const WEIGHTS: &str = "data/weights/";
const CONSTANTS: &str = "data/constants/";

impl Archive {
    /// Opens `file` and reads where its tensors lie.
    pub(in crate::programs) fn open(file: &Path) -> Result<Self, ExportError> {
        let file = File::open(file)?;
        let length = file.metadata()?.len();
        let mut zip = ZipArchive::new(file)?;
        let model = zip.file_names().find(|name| *name == MODEL || name.ends_with(&format!("/{MODEL}")));
        let top = model.ok_or(ExportError::NoEntry(MODEL))?.trim_end_matches(MODEL).to_owned();
        let mut read = |name: &str| json(&mut zip, length, &format!("{top}{name}"));
        let weights = read(&format!("{WEIGHTS}model_weights_config.json"))?;
        let constants = read(&format!("{CONSTANTS}model_constants_config.json"))?;
        Ok(Self { zip, length, top, taken: 0, weights, constants })
    }

    /// Length of the file in bytes.
    pub(in crate::programs) fn length(&self) -> u64 {
        self.length
    }

    /// Reads the program: its nodes and its signature.
    pub(in crate::programs) fn program(&mut self) -> Result<Program, ExportError> {
        let name = format!("{}{MODEL}", self.top);
        let Versioned { schema_version } = json(&mut self.zip, self.length, &name)?;
        if schema_version.major != MAJOR {
            return Err(ExportError::Version(schema_version.major));
        }
        json(&mut self.zip, self.length, &name)
    }

    /// The parameter, buffer or constant called `name`, in the host's memory.
    pub(in crate::programs) fn tensor(&mut self, name: &str) -> Result<Tensor, ExportError> {
        let fault = |reason: String| ExportError::Tensor { name: name.to_owned(), reason };
        let found = self.weights.config.get(name).map(|payload| (WEIGHTS, payload));
        let found = found.or_else(|| self.constants.config.get(name).map(|payload| (CONSTANTS, payload)));
        let (folder, payload) = found.ok_or_else(|| fault("is not in the archive".to_owned()))?;
        let Payload { path_name, use_pickle: false, tensor_meta: Some(meta) } = payload else {
            return Err(fault("is pickled; pickles are not read".to_owned()));
        };
        let layout = Layout::of(meta).map_err(fault)?;
        let bytes = bytes(&mut self.zip, self.length, &format!("{}{folder}{path_name}", self.top))?;
        self.taken += bytes.len() as u64;
        if self.taken > SHARING * self.length {
            return Err(fault("is one of too many for a file of this size".to_owned()));
        }
        layout.tensor(&bytes).map_err(fault)?.map_err(ExportError::Torch)
    }
}

/// Layout of a tensor in its bytes.
struct Layout {
    kind: Kind,
    sizes: Vec<i64>,
    strides: Vec<i64>,
    offset: i64,
}

impl Layout {
    fn of(meta: &TensorMeta) -> Result<Self, String> {
        let numbers = |sizes: &[Size]| -> Option<Vec<i64>> { sizes.iter().map(Size::number).collect() };
        let odd = || "has a shape that is no list of numbers".to_owned();
        let sizes = numbers(&meta.sizes).ok_or_else(odd)?;
        let strides = numbers(&meta.strides).ok_or_else(odd)?;
        let offset = meta.storage_offset.number().ok_or_else(odd)?;
        if sizes.len() != strides.len() || offset < 0 || sizes.iter().chain(&strides).any(|number| *number < 0) {
            return Err(odd());
        }
        let kind =
            kind(meta.dtype).ok_or_else(|| format!("has elements of type {}, which is not known", meta.dtype))?;
        Ok(Self { kind, sizes, strides, offset })
    }

    /// The tensor in `bytes`, if they are enough.
    fn tensor(&self, bytes: &[u8]) -> Result<Result<Tensor, tch::TchError>, String> {
        let there = (bytes.len() / self.kind.elt_size_in_bytes()) as i64;
        let values = self.sizes.iter().try_fold(1_i64, |all, size| all.checked_mul(*size));
        let reach =
            self.sizes.iter().zip(&self.strides).try_fold(self.offset, |last, (size, stride)| {
                last.checked_add((size - 1).max(0).checked_mul(*stride)?)
            });
        let fits = matches!((values, reach), (Some(0), _))
            || matches!((values, reach), (Some(values), Some(reach)) if values <= there && reach < there);
        if !fits {
            return Err(format!("has shape {:?}, and {there} values in the archive", self.sizes));
        }
        Ok(self.view(bytes, there))
    }

    fn view(&self, bytes: &[u8], there: i64) -> Result<Tensor, tch::TchError> {
        if self.sizes.contains(&0) {
            return Tensor::f_zeros(self.sizes.as_slice(), (self.kind, Device::Cpu));
        }
        let whole = &bytes[..there as usize * self.kind.elt_size_in_bytes()];
        let flat = Tensor::f_from_data_size(whole, &[there], self.kind)?;
        flat.f_as_strided(self.sizes.as_slice(), self.strides.as_slice(), Some(self.offset))?.f_contiguous()
    }
}

/// Types as the schema numbers them.
pub(in crate::programs) fn kind(dtype: i64) -> Option<Kind> {
    Some(match dtype {
        1 => Kind::Uint8,
        2 => Kind::Int8,
        3 => Kind::Int16,
        4 => Kind::Int,
        5 => Kind::Int64,
        6 => Kind::Half,
        7 => Kind::Float,
        8 => Kind::Double,
        12 => Kind::Bool,
        13 => Kind::BFloat16,
        _ => return None,
    })
}

fn json<T: DeserializeOwned>(zip: &mut ZipArchive<File>, length: u64, name: &str) -> Result<T, ExportError> {
    let bytes = bytes(zip, length, name)?;
    serde_json::from_slice(&bytes).map_err(|error| ExportError::Json(name.to_owned(), error))
}

fn bytes(zip: &mut ZipArchive<File>, length: u64, name: &str) -> Result<Vec<u8>, ExportError> {
    let entry = zip.by_name(name)?;
    if entry.compression() != CompressionMethod::Stored || entry.size() > length {
        return Err(ExportError::Entry(name.to_owned()));
    }
    let mut bytes = Vec::with_capacity(entry.size() as usize);
    entry.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}
