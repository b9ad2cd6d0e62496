//! A worker that is kept from one variant to the next.

use std::collections::HashSet;

use fleet::Prober;

/// Most memory of a GPU that a worker takes beside what libtorch's allocator does: context, kernels, libraries. What seems
/// more was taken by somebody else in the same moment.
const MOST_BESIDE: u64 = 1 << 30;

/// A worker that has measured, and holds a model: what comes next of the same model need not load it again.
pub(crate) struct Kept {
    pub(crate) prober: Prober,
    pub(crate) model: String,
    /// Bytes that it may hold, as known before it was started.
    pub(crate) memory: Option<u64>,
    /// Of these what it takes of a GPU beside what it counts, once it has computed.
    pub(crate) beside: Option<u64>,
    /// What it has computed: variant and batch.
    pub(crate) computed: HashSet<(String, usize)>,
}

impl Kept {
    /// Bytes of its device that are its own or nobody's, as it has just seen them; and those that it does not count.
    pub(crate) fn seen(&mut self, gpu: bool, limit: Option<u64>) -> (Option<u64>, u64) {
        let (Some(limit), true) = (limit, gpu) else { return (self.memory, 0) };
        let before = self.memory.unwrap_or(limit);
        let beside = *self.beside.get_or_insert(before.saturating_sub(limit).min(MOST_BESIDE));
        (Some(limit + beside), beside)
    }
}
