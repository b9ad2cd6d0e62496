//! Budgets of the bytes that decoders take, whatever the number of threads and the sizes of pictures are.

use std::sync::{Condvar, Mutex, PoisonError};

use sweep::group::DECODING;

/// Bytes of files that wait to be decoded or are being decoded.
pub(crate) static FILES: Budget = Budget::of(DECODING / 4);

/// Bytes that decoders take beside the file and the image. Whoever has some of these has those of its file already and waits for no more, so
/// that nobody waits in a circle.
pub(super) static PIXELS: Budget = Budget::of(DECODING - DECODING / 4);

/// Bytes that the threads of this process may take together.
pub(crate) struct Budget {
    most: u64,
    taken: Mutex<u64>,
    freed: Condvar,
}

/// Bytes of a budget, taken until this value is dropped.
pub(crate) struct Taken {
    budget: &'static Budget,
    bytes: u64,
}

impl Budget {
    const fn of(most: u64) -> Self {
        Self { most, taken: Mutex::new(0), freed: Condvar::new() }
    }

    /// Takes `bytes`, once as many are free. More bytes than the whole budget are taken once nobody else has any.
    pub(crate) fn take(&'static self, bytes: u64) -> Taken {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |taken: &mut u64| *taken > 0 && taken.saturating_add(bytes) > self.most;
        let mut taken = self.freed.wait_while(taken, full).unwrap_or_else(PoisonError::into_inner);
        *taken = taken.saturating_add(bytes);
        Taken { budget: self, bytes }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        *self.budget.taken.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    use std::thread;

    use super::*;

    /// Eight threads that take and give back: never more than there is, but for one that is alone.
    #[test]
    fn threads_together_take_no_more_than_there_is_and_a_large_one_is_alone() {
        static BUDGET: Budget = Budget::of(100);
        let (now, most, alone) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for at in 0..8_u64 {
                let (now, most, alone) = (&now, &most, &alone);
                scope.spawn(move || {
                    for round in 0..200 {
                        let bytes = if (at + round) % 50 == 0 { 300 } else { 20 + at * 5 };
                        let taken = BUDGET.take(bytes);
                        let before = now.fetch_add(bytes, SeqCst);
                        if bytes == 300 { alone } else { most }.fetch_max(before + bytes, SeqCst);
                        thread::yield_now();
                        now.fetch_sub(bytes, SeqCst);
                        drop(taken);
                    }
                });
            }
        });
        assert!((60..=100).contains(&most.into_inner()) && alone.into_inner() == 300);
        assert_eq!(*BUDGET.taken.lock().unwrap(), 0);
    }
}
