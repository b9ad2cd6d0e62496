//! Budget of the bytes that wait between two stages: a stage with more to give waits until some are written.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A budget of bytes, of which threads reserve parts.
#[derive(Debug)]
pub(crate) struct ByteBudget {
    most: u64,
    reserved: Mutex<u64>,
    freed: Condvar,
}

/// Bytes of a budget that are reserved until this value is dropped.
#[derive(Debug)]
pub(crate) struct Reserved {
    budget: Arc<ByteBudget>,
    bytes: u64,
}

impl ByteBudget {
    /// A budget of `most` bytes.
    pub(crate) fn of(most: u64) -> Arc<Self> {
        Arc::new(Self { most, reserved: Mutex::new(0), freed: Condvar::new() })
    }

    /// Reserves `bytes`, once as many are free. More bytes than the whole budget wait until nothing is reserved.
    pub(crate) fn reserve(self: &Arc<Self>, bytes: u64) -> Reserved {
        let taken = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |taken: &mut u64| *taken > 0 && *taken + bytes > self.most;
        let mut taken = self.freed.wait_while(taken, full).unwrap_or_else(PoisonError::into_inner);
        *taken += bytes;
        Reserved { budget: Arc::clone(self), bytes }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        *self.budget.reserved.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_more_waits_than_there_is_room_for_but_one_always_may() {
        let (budget, most) = (ByteBudget::of(100), AtomicU64::new(0));
        let (send, receive) = channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                for bytes in [40, 40, 40, 300, 10, 60] {
                    let taken = budget.reserve(bytes);
                    most.fetch_max(*budget.reserved.lock().unwrap(), SeqCst);
                    send.send((bytes, taken)).unwrap();
                }
                drop(send);
            });
            while *budget.reserved.lock().unwrap() < 80 {
                thread::sleep(Duration::from_millis(1));
            }
            // The third one waits, as long as nobody takes anything.
            thread::sleep(Duration::from_millis(50));
            assert_eq!(*budget.reserved.lock().unwrap(), 80);
            assert_eq!(receive.iter().map(|(bytes, _taken)| bytes).sum::<u64>(), 490);
        });
        assert_eq!((most.into_inner(), *budget.reserved.lock().unwrap()), (300, 0));
    }
}
