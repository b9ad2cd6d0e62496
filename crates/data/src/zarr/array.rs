//! An array: slices along its first axis.

use std::ops::Range;
use std::sync::Arc;

use serde_json::{Value, json};

use super::copy::{Side, copy, strides};
use super::metadata::Metadata;
use super::shard_index::ShardIndex;
use super::storage::Storage;
use crate::DataError;
use crate::numpy::Element;

/// Largest metadata in bytes: attributes of an array may be long.
const MOST_METADATA: u64 = 16 << 20;

/// Largest size in bytes of a row of chunks that is kept for the next slice, whose images may lie in the same chunks.
const MOST_KEPT: u64 = 128 << 20;

/// An array, open for reading.
#[derive(Debug)]
pub(crate) struct Array {
    pub(super) storage: Arc<Storage>,
    /// Path below the root of the store.
    pub(super) path: String,
    /// Layout.
    pub(crate) metadata: Metadata,
    pub(super) shard: Option<ShardIndex>,
    /// The row of chunks that was read last, by its index along the first axis.
    kept: Option<(u64, Vec<u8>)>,
    digest: String,
}

impl Array {
    /// Opens the array at `path`; `None` if there is none.
    pub(crate) fn open(storage: &Arc<Storage>, path: &str) -> Result<Option<Self>, DataError> {
        let file = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let parsed = |text: Vec<u8>, of: fn(&Value) -> Result<Metadata, String>| {
            let json = serde_json::from_slice(&text).map_err(|error| format!("no JSON: {error}"));
            json.and_then(|json: Value| of(&json)).map_err(|reason| storage.error(path, reason))
        };
        let metadata = if let Some(text) = storage.read(&file("zarr.json"), MOST_METADATA)? {
            parsed(text, Metadata::v3)?
        } else if let Some(text) = storage.read(&file(".zarray"), MOST_METADATA)? {
            parsed(text, Metadata::v2)?
        } else {
            return Ok(None);
        };
        let digest = storage.digest(path)?;
        Ok(Some(Self {
            storage: Arc::clone(storage),
            path: path.to_owned(),
            metadata,
            shard: None,
            kept: None,
            digest,
        }))
    }

    /// Compares the checksums that are not compared where chunks are read: a shard in a zip has such a checksum, and only parts
    /// of the shard are read.
    pub(crate) fn verify(&self) -> Result<(), DataError> {
        if self.metadata.shards.is_some() { self.storage.verify(&self.path) } else { Ok(()) }
    }

    /// The array, unless one of its files is not there: chunks that are not there are no zeros from then on.
    pub(crate) fn demand(mut self) -> Result<Self, DataError> {
        self.metadata.zeros = false;
        let file = self.metadata.shards.as_ref().map_or(&self.metadata.chunk, |shards| &shards.shape);
        let counts: Vec<u64> = self.metadata.shape.iter().zip(file).map(|(size, file)| size.div_ceil(*file)).collect();
        // However many an untrue shape says, the first that is not there is the last that is looked for.
        for number in 0..counts.iter().fold(1_u64, |files, count| files.saturating_mul(*count)) {
            let mut index = vec![0; counts.len()];
            counts.iter().enumerate().rev().fold(number, |left, (axis, count)| {
                index[axis] = left % count;
                left / count
            });
            if self.storage.size(&self.key(&index))?.is_none() {
                return Err(self.error(format!("no chunk {index:?}: it was not written to its end")));
            }
        }
        Ok(self)
    }

    /// Error about this array.
    pub(crate) fn error(&self, reason: impl Into<String>) -> DataError {
        self.storage.error(&self.path, reason)
    }

    /// Type of the elements, which must be numbers.
    pub(crate) fn element(&self) -> Result<Element, DataError> {
        self.metadata.element.ok_or_else(|| self.error(self.no_numbers()))
    }

    /// Reason for which the type of the elements is refused.
    pub(crate) fn no_numbers(&self) -> String {
        format!("elements of type `{}`, {}", self.metadata.type_name, crate::numpy::EXPECTED)
    }

    /// Bytes that reading holds beside the slice: a chunk, and the row of chunks that is kept.
    pub(crate) fn held(&self) -> u64 {
        let Metadata { shape, chunk, .. } = &self.metadata;
        let width = self.metadata.element.map_or(0, Element::size);
        let row = shape[1..].iter().fold(width, |bytes, size| bytes.saturating_mul(*size));
        let kept = Some(row.saturating_mul(chunk[0].min(shape[0]))).filter(|bytes| *bytes <= MOST_KEPT);
        self.metadata.bytes().unwrap_or(0) + kept.unwrap_or(0)
    }

    /// Number of rows that lie in one chunk: fewer at a time would decode the chunk several times.
    pub(crate) fn together(&self) -> u64 {
        self.metadata.chunk.first().copied().unwrap_or(1).max(1)
    }

    /// Value that names the content.
    pub(crate) fn content(&self) -> Value {
        json!(format!("{} {:?} sha256 {}", self.path, self.metadata.shape, self.digest))
    }

    /// Bytes of the elements with indices in `range` along the first axis, in C order.
    pub(crate) fn read(&mut self, range: Range<u64>) -> Result<Vec<u8>, DataError> {
        let (shape, width) = (self.metadata.shape.clone(), self.element()?.size());
        let row = shape[1..].iter().try_fold(width, |product, size| product.checked_mul(*size));
        let size =
            row.and_then(|row| row.checked_mul(range.end - range.start)).and_then(|size| usize::try_from(size).ok());
        let mut bytes = Vec::new();
        match size {
            Some(size) if bytes.try_reserve_exact(size).is_ok() => bytes.resize(size, 0),
            _ => return Err(self.error(format!("rows {range:?} of the shape {shape:?} fit no memory"))),
        }
        let (row, chunk) = (row.unwrap_or(0), self.metadata.chunk[0]);
        let mut start = range.start;
        while start < range.end {
            let at = start / chunk;
            let slab = at * chunk..((at + 1) * chunk).min(shape[0]);
            let end = slab.end.min(range.end);
            let place = (start - range.start) * row..(end - range.start) * row;
            let target = &mut bytes[place.start as usize..place.end as usize];
            let whole = start == slab.start && end == slab.end;
            if whole || (slab.end - slab.start).saturating_mul(row) > MOST_KEPT {
                self.fill(at, start..end, target)?;
            } else {
                let kept = self.slab(at, slab.clone(), row)?;
                let from = (start - slab.start) * row..(end - slab.start) * row;
                target.copy_from_slice(&kept[from.start as usize..from.end as usize]);
            }
            start = end;
        }
        Ok(bytes)
    }

    /// The row of chunks `at`, kept for the next slice.
    fn slab(&mut self, at: u64, slab: Range<u64>, row: u64) -> Result<&[u8], DataError> {
        if self.kept.as_ref().is_none_or(|(kept, _)| *kept != at) {
            let mut bytes = vec![0; ((slab.end - slab.start) * row) as usize];
            self.fill(at, slab, &mut bytes)?;
            self.kept = Some((at, bytes));
        }
        Ok(self.kept.as_ref().map_or(&[], |(_, bytes)| bytes))
    }

    /// Fills `target` with the elements `rows`, which lie in the row of chunks `at`.
    fn fill(&mut self, at: u64, rows: Range<u64>, target: &mut [u8]) -> Result<(), DataError> {
        let Metadata { shape, chunk, encoding, .. } = self.metadata.clone();
        let width = self.element()?.size() as usize;
        let (inside, outside) = (strides(&chunk, encoding.order.as_deref()), strides(&shape, None));
        let mut base = vec![0; shape.len()];
        base[0] = rows.start;
        let counts: Vec<u64> = shape.iter().zip(&chunk).map(|(size, chunk)| size.div_ceil(*chunk)).collect();
        let chunks = counts[1..].iter().product::<u64>();
        for number in 0..chunks {
            let mut index = vec![at; shape.len()];
            counts.iter().enumerate().skip(1).rev().fold(number, |left, (axis, count)| {
                index[axis] = left % count;
                left / count
            });
            let origin: Vec<u64> = index.iter().zip(&chunk).map(|(at, size)| at * size).collect();
            let region = origin.iter().zip(&chunk).zip(&shape).enumerate().map(|(axis, ((start, chunk), size))| {
                if axis == 0 { rows.clone() } else { *start..(start + chunk).min(*size) }
            });
            let region: Vec<Range<u64>> = region.collect();
            match self.piece(&index)? {
                Some(piece) => {
                    let source = Side { strides: &inside, origin: &origin };
                    copy(&region, width, (&piece, source), (target, Side { strides: &outside, origin: &base }));
                }
                None if self.metadata.zeros => {}
                None => {
                    return Err(self.error(format!(
                        "no chunk {index:?}, and its fill value is no pixel: it was not written to its end"
                    )));
                }
            }
        }
        Ok(())
    }
}
