//! A thread that asks the launcher about all workers at once, and tells changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use super::launcher::{Launcher, State, Ticket};

/// Workers that are watched: their tickets and the states that were told last, by slot.
type Watched = HashMap<usize, (Ticket, Option<State>)>;

/// Asks until it is dropped.
pub(crate) struct Poller {
    watched: Arc<Mutex<Watched>>,
}

impl Poller {
    /// Starts the thread. `tell` is called with the slot and the new state of a worker when it waits in a queue, when it begins
    /// after that, and when it has ended; the worker is then watched no longer.
    pub(crate) fn start(
        launcher: Arc<dyn Launcher>,
        tell: impl Fn(usize, State) + Send + 'static,
    ) -> std::io::Result<Self> {
        let watched = Arc::default();
        let list = Arc::downgrade(&watched);
        thread::Builder::new().name("launcher".to_owned()).spawn(move || ask(launcher.as_ref(), &list, tell))?;
        Ok(Self { watched })
    }

    /// Watches the worker of `slot`.
    pub(crate) fn watch(&self, slot: usize, ticket: Ticket) {
        lock(&self.watched).insert(slot, (ticket, None));
    }
}

/// Asks `launcher` every period for as long as the list lives. The list is not locked meanwhile: an answer may take long.
fn ask(launcher: &dyn Launcher, list: &Weak<Mutex<Watched>>, tell: impl Fn(usize, State)) {
    while let Some(watched) = list.upgrade() {
        let (slots, tickets): (Vec<usize>, Vec<Ticket>) =
            lock(&watched).iter().map(|(slot, (ticket, _))| (*slot, ticket.clone())).unzip();
        let states = if tickets.is_empty() { Vec::new() } else { launcher.poll(&tickets) };
        for ((slot, ticket), state) in slots.into_iter().zip(tickets).zip(states) {
            if enter(&mut lock(&watched), slot, &ticket, state) {
                tell(slot, state);
            }
        }
        drop(watched);
        thread::sleep(launcher.period());
    }
}

/// Notes the state of a worker, and says whether it is to be told: another worker may have the slot by now.
fn enter(watched: &mut Watched, slot: usize, ticket: &Ticket, state: State) -> bool {
    let Some((_, told)) = watched.get_mut(&slot).filter(|(of, _)| of == ticket) else { return false };
    match (*told, state) {
        (_, State::Ended(_)) => {
            watched.remove(&slot);
            true
        }
        (Some(State::Queued), State::Queued) | (_, State::Unknown) => false,
        (_, State::Queued) => told.replace(state) != Some(state),
        (before, State::Running) => {
            *told = Some(state);
            before == Some(State::Queued)
        }
    }
}

fn lock(watched: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::launcher::Ended;
    use super::*;

    #[test]
    fn only_changes_are_told_and_none_of_a_worker_whose_slot_another_one_has() {
        let ticket = |name: &str| Ticket { name: name.to_owned(), pid: None };
        let mut watched = Watched::from([(0, (ticket("b"), None)), (1, (ticket("c"), None))]);
        let mut enter = |slot, name: &str, state| enter(&mut watched, slot, &ticket(name), state);
        let ended = State::Ended(Ended::Code(0));
        assert!(!enter(0, "a", ended), "an answer that is late");
        let told = [State::Queued, State::Queued, State::Unknown, State::Running, State::Running, ended, ended]
            .map(|state| enter(0, "b", state));
        assert_eq!(told, [true, false, false, true, false, true, false]);
        let told = [State::Running, State::Queued, State::Running].map(|state| enter(1, "c", state));
        assert_eq!(told, [false, true, true], "a job that was preempted waits in the queue again");
    }
}
