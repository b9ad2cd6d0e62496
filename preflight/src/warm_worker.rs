//! A worker that stays alive from one variant to the next, so that its model is loaded once.

use std::collections::HashSet;

use fleet::Prober;

/// Most bytes of a GPU that a worker takes beside libtorch's allocator: context, kernels, libraries. Anything beyond was taken by
/// another process in the same moment.
const MOST_BESIDE: u64 = 1 << 30;

/// A worker that has measured, and holds a model.
pub(crate) struct WarmWorker {
    pub(crate) prober: Prober,
    pub(crate) model: String,
    /// Memory limit in bytes, as known before the worker was started.
    pub(crate) memory: Option<u64>,
    /// Bytes of the GPU that it takes beside those that it counts; known once it has computed.
    pub(crate) beside: Option<u64>,
    /// Variants and sizes of batches that it has computed.
    pub(crate) computed: HashSet<(String, usize)>,
}

impl WarmWorker {
    /// Bytes of its device that it holds or that are free, `limit` by its own last count; and the bytes that it does not count.
    pub(crate) fn observe(&mut self, gpu: bool, limit: Option<u64>) -> (Option<u64>, u64) {
        let (Some(limit), true) = (limit, gpu) else { return (self.memory, 0) };
        let before = self.memory.unwrap_or(limit);
        let beside = *self.beside.get_or_insert(before.saturating_sub(limit).min(MOST_BESIDE));
        (Some(limit + beside), beside)
    }
}
