//! Callers that have not proved yet that they know the token: few at a time, and for a short time.
//!
//! Any program that reaches the port can call. A worker says hello as soon as it is connected, so of too many silent callers the
//! caller that has been silent longest is sent away: a worker that comes later is heard all the same.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

/// Most callers that may be silent at once. All workers of a large sweep may call in the same moment.
pub(crate) const MOST: usize = 256;

/// The callers that are not authenticated yet. A clone refers to the same callers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unauthenticated {
    /// In the order in which they came.
    waiting: Arc<Mutex<VecDeque<(u64, AbortHandle)>>>,
}

impl Unauthenticated {
    /// Adds the caller `id`, which `task` listens to. The caller that has waited longest is sent away, if they are too many.
    pub(crate) fn add(&self, id: u64, task: AbortHandle) {
        let mut waiting = self.lock();
        // A caller that has left before is not counted.
        waiting.retain(|(_, task)| !task.is_finished());
        waiting.push_back((id, task));
        if waiting.len() > MOST
            && let Some((id, task)) = waiting.pop_front()
        {
            tracing::warn!(worker = id, "too many callers that say nothing: the first of them is sent away");
            task.abort();
        }
    }

    /// Removes the caller `id`, which is let in.
    pub(crate) fn remove(&self, id: u64) {
        self.lock().retain(|(waiting, _)| *waiting != id);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(u64, AbortHandle)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
