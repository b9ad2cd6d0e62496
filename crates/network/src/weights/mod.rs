//! Weights in: named tensors of a file, read without executing anything that the file says.

mod other;
mod pytorch;
mod safe;
mod sets;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest, Sha256};
use sweep::fingerprint;
use tch::{Kind, Tensor};

use crate::NetworkError;

/// The tensors of one file, or random ones.
pub struct Weights {
    file: PathBuf,
    source: Source,
    /// Name of the set of weights, of several, that the config chooses.
    set: Option<String>,
}

enum Source {
    File(BTreeMap<String, Stored>),
    Random { channels: i64, classes: i64 },
}

/// A tensor of a file, not yet read.
struct Stored {
    shape: Vec<i64>,
    kind: Kind,
    read: Box<dyn Fn() -> std::io::Result<Vec<u8>>>,
}

impl Weights {
    /// Opens a `.safetensors` file, or a checkpoint as `torch.save` writes it: a plain state dict, or
    /// one below a key (`{'net': ...}`), of any container format since PyTorch 0.1.10.
    pub fn open(file: &Path) -> Result<Self, NetworkError> {
        let stored = match file.extension().and_then(|extension| extension.to_str()) {
            Some("safetensors") => safe::open(file),
            _ => pytorch::open(file),
        };
        let stored = stored.map_err(|reason| NetworkError::Unreadable { file: file.to_owned(), reason })?;
        Ok(Self { file: file.to_owned(), source: Source::File(stored), set: None })
    }

    /// Random weights that fit any architecture, for tests and benchmarks.
    pub fn random(channels: i64, classes: i64) -> Self {
        Self { file: "random".into(), source: Source::Random { channels, classes }, set: None }
    }

    /// SHA-256 of `file`, in hexadecimal, as `sha256sum` prints it.
    pub fn sha256(file: &Path) -> Result<String, NetworkError> {
        let unreadable =
            |error: std::io::Error| NetworkError::Unreadable { file: file.to_owned(), reason: error.to_string() };
        let mut reader = File::open(file).map_err(unreadable)?;
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
        loop {
            match reader.read(&mut buffer).map_err(unreadable)? {
                0 => break,
                n => hash.update(&buffer[..n]),
            }
        }
        Ok(hex::encode(hash.finalize()))
    }

    /// Names and shapes of all tensors, as a digest.
    pub(crate) fn shapes(&self) -> String {
        let shapes = match &self.source {
            Source::File(stored) => stored.iter().map(|(name, tensor)| json!([name, tensor.shape])).collect(),
            Source::Random { channels, classes } => json!([channels, classes]),
        };
        fingerprint::digest(&shapes)
    }

    /// File that the tensors come from.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The file with the choice of the set of weights called `set`, as in `state_dict_ema`.
    #[must_use]
    pub fn of_set(mut self, set: Option<&str>) -> Self {
        self.set = set.map(str::to_owned);
        self
    }

    /// Prefix of `names` in this file, in the chosen set of weights: nothing, the reference scripts' `net.`, or any single
    /// prefix. Without names to look for, the first part of all names where they share it (`net.`, `model.`).
    pub(crate) fn prefix_of(&self, names: &[&str]) -> Result<String, NetworkError> {
        let Source::File(stored) = &self.source else { return Ok(String::new()) };
        let set = self.set.as_deref();
        let chosen = if names.is_empty() {
            sets::choose_unmarked(stored.iter().map(|(name, tensor)| (name.as_str(), &tensor.shape[..])), set)
        } else {
            let prefixes = stored.keys().filter_map(|key| names.iter().find_map(|name| key.strip_suffix(name)));
            sets::choose(&prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('.')).collect(), set)
        };
        chosen.map_err(|reason| NetworkError::Unreadable { file: self.file.clone(), reason })
    }

    /// What stands before one of `names` elsewhere in this file than behind `prefix`: other sets of weights, or other parts of a network.
    pub(crate) fn other_prefixes(&self, names: &[&str], prefix: &str) -> BTreeSet<String> {
        let Source::File(stored) = &self.source else { return BTreeSet::new() };
        let found = stored.keys().filter_map(|key| names.iter().find_map(|name| key.strip_suffix(name)));
        found.filter(|found| found.ends_with('.') && *found != prefix).map(str::to_owned).collect()
    }

    /// Whether the config says which set of weights is meant.
    pub(crate) fn set_is_said(&self) -> bool {
        self.set.is_some()
    }

    /// Names that start with `prefix`, without it.
    pub(crate) fn names<'a>(&'a self, prefix: &'a str) -> Box<dyn Iterator<Item = &'a str> + 'a> {
        match &self.source {
            Source::File(stored) => Box::new(stored.keys().filter_map(move |key| key.strip_prefix(prefix))),
            Source::Random { .. } => Box::new(std::iter::empty()),
        }
    }

    /// Shape of the tensor called `name`; random ones take the shape that is `wanted`.
    pub(crate) fn shape(&self, name: &str, wanted: &[i64]) -> Option<Vec<i64>> {
        match &self.source {
            Source::File(stored) => stored.get(name).map(|tensor| tensor.shape.clone()),
            Source::Random { .. } => Some(wanted.to_vec()),
        }
    }

    /// Channels and classes of random weights.
    pub(crate) fn free_sizes(&self) -> Option<(i64, i64)> {
        match self.source {
            Source::Random { channels, classes } => Some((channels, classes)),
            Source::File(_) => None,
        }
    }

    /// The tensor called `name`, of the shape that [`Weights::shape`] says.
    pub(crate) fn tensor(&self, name: &str, shape: &[i64]) -> Result<Tensor, NetworkError> {
        let unreadable = |reason: String| NetworkError::Unreadable { file: self.file.clone(), reason };
        match &self.source {
            Source::Random { .. } => random(name, shape).map_err(NetworkError::Torch),
            Source::File(stored) => {
                let stored = stored.get(name).ok_or_else(|| unreadable(format!("`{name}` is missing")))?;
                let wanted = bytes_of(shape, stored.kind);
                let wanted = wanted.ok_or_else(|| unreadable(format!("`{name}` has the shape {shape:?}")))?;
                let bytes = (stored.read)().map_err(|error| unreadable(format!("`{name}`: {error}")))?;
                if bytes.len() != wanted {
                    return Err(unreadable(format!("`{name}` has {} bytes, expected {wanted}", bytes.len())));
                }
                Ok(Tensor::f_from_data_size(&bytes, shape, stored.kind)?)
            }
        }
    }
}

/// Bytes of a tensor of `shape`; `None` for a shape that no tensor can have.
fn bytes_of(shape: &[i64], kind: Kind) -> Option<usize> {
    let sizes = shape.iter().map(|size| usize::try_from(*size).ok());
    sizes.into_iter().try_fold(kind.elt_size_in_bytes(), |product, size| product.checked_mul(size?))
}

/// Kaiming's initialisation for matrices and convolutions; statistics near those of training for the rest.
fn random(name: &str, shape: &[i64]) -> Result<Tensor, tch::TchError> {
    let options = (Kind::Float, tch::Device::Cpu);
    let fan_in = shape.iter().skip(1).product::<i64>();
    match shape.len() {
        2.. => Tensor::f_randn(shape, options)?.f_mul_scalar((2.0 / fan_in as f64).sqrt()),
        _ if name.ends_with("weight") || name.ends_with("running_var") => {
            Tensor::f_rand(shape, options)?.f_mul_scalar(0.5)?.f_add_scalar(0.75)
        }
        _ => Tensor::f_randn(shape, options)?.f_mul_scalar(0.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_the_same_shapes_have_one_digest_whatever_their_values_are() {
        let folder = tempfile::tempdir().unwrap();
        let of = |shape: &[i64], value: f64| {
            let file = folder.path().join("weights.safetensors");
            let tensor = Tensor::full(shape, value, (Kind::Float, tch::Device::Cpu));
            Tensor::write_safetensors(&[("fc.weight", tensor)], &file).unwrap();
            Weights::open(&file).unwrap().shapes()
        };
        assert_eq!(of(&[2, 3], 0.0), of(&[2, 3], 1.0));
        assert_ne!(of(&[2, 3], 0.0), of(&[3, 2], 0.0));
    }

    #[test]
    fn a_shape_that_no_tensor_can_have_has_no_size() {
        assert_eq!(bytes_of(&[2, 3], Kind::Float), Some(24));
        assert_eq!(bytes_of(&[], Kind::Double), Some(8));
        for shape in [&[1 << 40, 1 << 40][..], &[-1], &[i64::MAX, 2], &[1 << 62]] {
            assert_eq!(bytes_of(shape, Kind::Double), None, "{shape:?}");
        }
    }
}
