//! Memory of a thread, between the three steps.

use std::cell::RefCell;

use crate::tensors::settings;

/// Value of memory that nobody has written: whoever reads it gets no number.
const UNWRITTEN: f32 = f32::NAN;

/// Memory of one thread.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Changed pixels `[parts, tiles, in]`.
    pub(super) pixels: Vec<f32>,
    /// Sums of products `[parts, tiles, lanes]`.
    pub(super) sums: Vec<f32>,
}

impl Scratch {
    /// Makes room for `pixels` and `sums` values; values of an earlier use may still be there.
    pub(super) fn reserve(&mut self, pixels: usize, sums: usize) {
        for (values, count) in [(&mut self.pixels, pixels), (&mut self.sums, sums)] {
            values.resize(count.max(values.len()), UNWRITTEN);
            if settings::fills_memory() {
                values.fill(UNWRITTEN);
            }
        }
    }

    /// Calls `act` with the memory of this thread.
    pub(crate) fn with(act: impl FnOnce(&mut Self)) {
        thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::default());
        SCRATCH.with_borrow_mut(act);
    }
}

#[cfg(test)]
mod tests;
