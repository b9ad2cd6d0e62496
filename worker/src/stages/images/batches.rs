//! Memory that a device reads by itself, one piece for each batch of images.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tch::TchError;

use crate::device::pinned::{Pinned, Rows};

/// Memory for the images of each batch, into which several threads put them.
pub(super) struct Batches {
    pinned: Arc<Pinned>,
    /// Images of a batch.
    size: usize,
    /// Images of the shard.
    count: usize,
    /// Memory of the batches that are made now: others have no image that anybody holds.
    now: Mutex<BTreeMap<usize, Weak<Rows>>>,
}

impl Batches {
    pub(super) fn new(pinned: Arc<Pinned>, size: usize, count: usize) -> Self {
        Self { pinned, size: size.max(1), count, now: Mutex::default() }
    }

    /// The memory of the batch of image `at`, and the row there of the image, which has so many `values`.
    pub(super) fn row(&self, at: usize, values: usize) -> Result<(Arc<Rows>, usize), TchError> {
        let batch = at / self.size;
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = now.get(&batch).and_then(Weak::upgrade) {
            return Ok((rows, at % self.size));
        }
        let rows = Arc::new(Rows::of(&self.pinned, self.size.min(self.count - batch * self.size), values)?);
        now.retain(|_, rows| rows.strong_count() > 0);
        now.insert(batch, Arc::downgrade(&rows));
        Ok((rows, at % self.size))
    }
}
