//! Arrays of a store that are open: their metadata is read once.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use zarrs::array::{Array, ArrayMetadata};
use zarrs::storage::store::MemoryStore;

use super::image_chunks::Pieces;
use super::size_limits::Cut;
use crate::error::StoreError;
use crate::metadata::root::{self, METADATA, Nodes, read_json};
use crate::packed::tree;
use crate::tensors::{self, Tensor};

/// Open array, and the make-up of its files.
pub(super) struct Opened {
    pub(super) array: Array<MemoryStore>,
    pub(super) cut: Cut,
    /// Encoding of images, for arrays whose shards are cut into images.
    pub(super) pieces: Option<Arc<Pieces>>,
    /// The array as a tensor, in a store of tensors.
    pub(super) tensor: Option<Tensor>,
}

/// Arrays of one store, by name; opened when they are asked for.
pub(super) struct Arrays {
    pub(super) folder: PathBuf,
    open: BTreeMap<String, Opened>,
    /// Metadata of the arrays of a store of tensors, once it was read.
    of_tensors: Option<Nodes>,
}

impl Arrays {
    /// The arrays of the store in `folder`, none of which is open yet.
    pub(super) fn of(folder: PathBuf) -> Self {
        Self { folder, open: BTreeMap::new(), of_tensors: None }
    }

    fn opened_tensor(&mut self, name: &str) -> Result<&Opened, StoreError> {
        let path = tensors::file(&self.folder, name);
        let failed = |reason: String| StoreError::Damaged { path: path.clone(), reason };
        if self.of_tensors.is_none() {
            self.of_tensors = root::read(&self.folder)?.map(|root| root::consolidated(&root.value));
        }
        if !self.open.contains_key(name) {
            let metadata = self.of_tensors.as_ref().and_then(|nodes| nodes.get(name));
            let metadata = metadata.ok_or_else(|| failed("it has no metadata".to_owned()))?;
            let cut = Cut::of(metadata).map_err(failed)?;
            let array = array_of(name, metadata).map_err(failed)?;
            let tensor = Tensor::open(&path, metadata).map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => failed(error.to_string()),
                io::ErrorKind::NotFound => failed("it is missing".to_owned()),
                _ => StoreError::Read { path: path.clone(), source: error },
            })?;
            self.open.insert(name.to_owned(), Opened { array, cut, pieces: None, tensor: Some(tensor) });
        }
        self.open.get(name).ok_or_else(|| failed("not opened".to_owned()))
    }

    /// The array called `name`, which knows codecs, types and the names of files.
    pub(super) fn array(&mut self, name: &str) -> Result<&Array<MemoryStore>, StoreError> {
        self.opened(name).map(|opened| &opened.array)
    }

    /// Opens the array called `name`, unless it is open.
    pub(super) fn opened(&mut self, name: &str) -> Result<&Opened, StoreError> {
        if tensors::is_place(&self.folder) {
            return self.opened_tensor(name);
        }
        let path = self.folder.join(name);
        let failed = |reason: String| StoreError::Damaged { path: path.clone(), reason };
        // A store that is gone for a while, with the disk that it is on, is not a damaged one, nor is one that goes at this moment.
        let file = path.join(METADATA);
        let gone = |source| StoreError::Read { path: file.clone(), source };
        tree::look(&file).map_err(gone)?;
        if !self.open.contains_key(name) {
            let metadata = read_json(&file)?.ok_or_else(|| gone(io::ErrorKind::NotFound.into()))?;
            let cut = Cut::of(&metadata).map_err(failed)?;
            let array = array_of(name, &metadata).map_err(failed)?;
            let pieces = Pieces::of(&metadata, cut, array.data_type(), array.fill_value()).map_err(failed)?;
            self.open.insert(name.to_owned(), Opened { array, cut, pieces: pieces.map(Arc::new), tensor: None });
        }
        self.open.get(name).ok_or_else(|| failed("not opened".to_owned()))
    }
}

/// Position in the tensor of the first row of `shard`.
pub(super) fn first_row(opened: &Opened, shard: u64) -> u64 {
    let rows = opened.array.chunk_shape(&place(&opened.array, shard)).map_or(0, |shape| shape[0].get());
    shard.saturating_mul(rows)
}

/// Array at `path` with this `zarr.json`. Nothing is read or written through it: it knows codecs, types and the names of files.
fn array_of(path: &str, metadata: &Value) -> Result<Array<MemoryStore>, String> {
    let metadata: ArrayMetadata = serde_json::from_value(metadata.clone()).map_err(|error| error.to_string())?;
    let array = Array::new_with_metadata(Arc::new(MemoryStore::new()), &format!("/{path}"), metadata);
    array.map_err(|error| error.to_string())
}

/// Position of `shard` in the grid of shards: they are cut along the first dimension only.
pub(super) fn place(array: &Array<MemoryStore>, shard: u64) -> Vec<u64> {
    let mut place = vec![0; array.dimensionality()];
    place[0] = shard;
    place
}
