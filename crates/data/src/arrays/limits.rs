//! Limits of the memory that a split may take.

/// Largest number of images, and of labels, that is accepted in one split: labels are held in memory, and deflate unpacks a few
/// kilobytes to millions of them.
pub(crate) const MAX_LABELS: u64 = 1 << 24;
