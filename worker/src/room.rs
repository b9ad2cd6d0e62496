//! How many bytes may wait between two stages: who has more to give waits until some are written.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Room for so many bytes.
#[derive(Debug)]
pub(crate) struct Room {
    most: u64,
    taken: Mutex<u64>,
    given: Condvar,
}

/// A part of it, until dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    room: Arc<Room>,
    bytes: u64,
}

impl Room {
    pub(crate) fn of(most: u64) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::new(0), given: Condvar::new() })
    }

    /// Takes `bytes`, once they are there. What exceeds the whole room waits for an empty one.
    pub(crate) fn take(self: &Arc<Self>, bytes: u64) -> Taken {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |taken: &mut u64| *taken > 0 && *taken + bytes > self.most;
        let mut taken = self.given.wait_while(taken, full).unwrap_or_else(PoisonError::into_inner);
        *taken += bytes;
        Taken { room: Arc::clone(self), bytes }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        *self.room.taken.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.room.given.notify_all();
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
        let (room, most) = (Room::of(100), AtomicU64::new(0));
        let (send, receive) = channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                for bytes in [40, 40, 40, 300, 10, 60] {
                    let taken = room.take(bytes);
                    most.fetch_max(*room.taken.lock().unwrap(), SeqCst);
                    send.send((bytes, taken)).unwrap();
                }
                drop(send);
            });
            thread::sleep(Duration::from_millis(50));
            assert_eq!(*room.taken.lock().unwrap(), 80);
            assert_eq!(receive.iter().map(|(bytes, _taken)| bytes).sum::<u64>(), 490);
        });
        assert_eq!((most.into_inner(), *room.taken.lock().unwrap()), (300, 0));
    }
}
