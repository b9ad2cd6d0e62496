//! Units that wait, in the order in which they are granted.

use std::collections::BTreeSet;

/// Waiting units, by index: the config's order, which is that of the images in their files. A unit
/// that comes back takes its old place.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: BTreeSet<usize>,
}

impl Queue {
    /// All of `units` units wait.
    pub(super) fn new(units: usize) -> Self {
        Self { waiting: (0..units).collect() }
    }

    pub(super) fn push(&mut self, unit: usize) {
        self.waiting.insert(unit);
    }

    pub(super) fn pop(&mut self) -> Option<usize> {
        self.waiting.pop_first()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    #[cfg(test)]
    pub(super) fn contains(&self, unit: usize) -> bool {
        self.waiting.contains(&unit)
    }
}
