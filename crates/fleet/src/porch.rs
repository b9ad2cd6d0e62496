//! Callers that have not shown the token yet: a few, for a short time.
//!
//! Whoever can reach the port can call. A worker says hello as soon as its line is there, so of too many silent callers
//! the one that has been silent longest is sent away: those that come later, and mean it, are heard.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

/// Callers that may be silent at once. All workers of a large sweep may call in the same moment.
pub(crate) const MOST: usize = 256;

/// Where callers wait to be let in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Porch {
    /// Those that came first are first.
    waiting: Arc<Mutex<VecDeque<(u64, AbortHandle)>>>,
}

impl Porch {
    /// Caller `id` is heard by `task`; whoever waits too long for its place is sent away.
    pub(crate) fn enter(&self, id: u64, task: AbortHandle) {
        let mut waiting = self.lock();
        // One that has said hello, or left, before it was entered here leaves nothing behind.
        waiting.retain(|(_, task)| !task.is_finished());
        waiting.push_back((id, task));
        if waiting.len() > MOST
            && let Some((id, task)) = waiting.pop_front()
        {
            tracing::warn!(worker = id, "too many callers that say nothing: the first of them is sent away");
            task.abort();
        }
    }

    /// Caller `id` is let in.
    pub(crate) fn leave(&self, id: u64) {
        self.lock().retain(|(waiting, _)| *waiting != id);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(u64, AbortHandle)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
