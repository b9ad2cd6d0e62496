//! State of a program that is being read: the graph that grows, and the values by their names.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use super::error::{DYNAMIC, ExportError};
use super::file::archive::Archive;
use super::file::schema::TensorMeta;
use super::sizes::Batch;
use super::value::Value;
use crate::graph::{self, Id, Operation, Size};

/// The graph under construction.
pub(super) struct State {
    pub(super) nodes: Vec<graph::Node>,
    pub(super) values: BTreeMap<String, Value>,
    /// Parameters, buffers and constants by their name in the program: their name in the archive, and
    /// whether they are learned.
    pub(super) stored: BTreeMap<String, (String, bool)>,
    pub(super) metas: BTreeMap<String, TensorMeta>,
    /// For each value that a call reads on the way to the logits, the last of the calls that does.
    pub(super) last_read: BTreeMap<String, usize>,
    pub(super) archive: Archive,
    /// Bytes of the constants that the program has made up.
    pub(super) made: u64,
    /// Errors so far: operators without an operation, and arguments that an operation does not understand.
    pub(super) faults: Vec<ExportError>,
    pub(super) batch: Batch,
    pub(super) placed: (Device, Kind),
}

impl State {
    /// Adds a node.
    pub(super) fn push(&mut self, name: &str, operation: impl Operation + 'static, inputs: Vec<Id>) -> Id {
        self.nodes.push(graph::Node { name: name.to_owned(), operation: std::rc::Rc::new(operation), inputs });
        self.nodes.len() - 1
    }

    /// The value that the program calls `name`.
    pub(super) fn value(&mut self, name: &str) -> Result<Value, ExportError> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        let Some((stored, learned)) = self.stored.get(name) else {
            let in_front = self.metas.get(name).is_none_or(|meta| self.batch.is_in_front(&meta.sizes));
            let reason = if in_front {
                "is read, and no operation gives it: places of largest values are not known".to_owned()
            } else {
                format!("does not have the images in front: {DYNAMIC}")
            };
            return Err(ExportError::Tensor { name: name.to_owned(), reason });
        };
        let tensor = self.archive.tensor(stored)?;
        if *learned && tensor.f_isfinite()?.f_all()?.f_int64_value(&[])? == 0 {
            return Err(ExportError::Tensor { name: stored.clone(), reason: "holds NaN or infinity".to_owned() });
        }
        let value = Value::from(place(&tensor, self.placed)?);
        self.values.insert(name.to_owned(), value.clone());
        Ok(value)
    }

    /// Shape of the value `name`, as the program says.
    pub(super) fn shape(&self, name: &str) -> Option<Vec<Option<Size>>> {
        let meta = self.metas.get(name)?;
        let front = !self.is_constant(name) && self.batch.is_in_front(&meta.sizes);
        Some(self.batch.read(&meta.sizes, front))
    }

    fn is_constant(&self, name: &str) -> bool {
        self.stored.contains_key(name) || matches!(self.values.get(name), Some(Value::Constant(_)))
    }
}

/// `tensor` on the device of the graph; fractions in its type.
fn place(tensor: &Tensor, (device, kind): (Device, Kind)) -> Result<Tensor, ExportError> {
    let kind = if tensor.is_floating_point() { kind } else { tensor.f_kind()? };
    Ok(tensor.f_to_kind(kind)?.f_to_device(device)?)
}
