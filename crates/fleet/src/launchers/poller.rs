//! A thread that asks the launcher about all workers at once, and tells changes.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::job::{State, Ticket};
use super::launcher::{Launcher, Place};

/// Shortest time between two questions to a launcher of other machines.
const SHORTEST: Duration = Duration::from_secs(1);

/// Worker that is watched.
#[derive(Debug)]
struct Watched {
    ticket: Ticket,
    /// State that was told last.
    told: Option<State>,
    /// Whether the worker is connected, so that nobody else needs to be asked about it.
    connected: bool,
}

/// Workers that are watched, by slot, and what has changed since the last question.
#[derive(Debug, Default)]
struct List {
    watched: HashMap<usize, Watched>,
    changed: bool,
    closed: bool,
}

type Shared = Arc<(Mutex<List>, Condvar)>;

/// Asks until it is dropped.
pub(crate) struct Poller {
    list: Shared,
}

impl Poller {
    /// Starts the thread. `tell` is called with the slot and the new state of a worker when it waits in a queue, when it begins
    /// after that, and when it has ended; the worker is then watched no longer.
    pub(crate) fn start(
        launcher: Arc<dyn Launcher>,
        tell: impl Fn(usize, State) + Send + 'static,
    ) -> std::io::Result<Self> {
        let list = Shared::default();
        let shared = Arc::clone(&list);
        thread::Builder::new().name("launcher".to_owned()).spawn(move || ask(launcher.as_ref(), &shared, tell))?;
        Ok(Self { list })
    }

    /// Watches the worker of `slot`.
    pub(crate) fn watch(&self, slot: usize, ticket: Ticket) {
        self.change(|list| drop(list.watched.insert(slot, Watched { ticket, told: None, connected: false })));
    }

    /// Notes whether the worker of `slot` is connected.
    pub(crate) fn connected(&self, slot: usize, connected: bool) {
        self.change(|list| {
            if let Some(watched) = list.watched.get_mut(&slot) {
                watched.connected = connected;
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut List)) {
        let mut list = lock(&self.list.0);
        change(&mut list);
        list.changed = true;
        drop(list);
        self.list.1.notify_all();
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.change(|list| list.closed = true);
    }
}

/// Asks `launcher` until the list is closed. The list is not locked meanwhile: an answer may take long.
///
/// A launcher of this machine is asked every period about all workers. Another launcher is asked about workers that are not
/// connected: soon after a change, then after a second, two, four, and so on up to its period.
fn ask(launcher: &dyn Launcher, list: &Shared, tell: impl Fn(usize, State)) {
    let is_here = launcher.place() == Place::Here;
    let shortest = if is_here { launcher.period() } else { SHORTEST.min(launcher.period()) };
    let mut pause = shortest;
    loop {
        let (slots, tickets): (Vec<usize>, Vec<Ticket>) = {
            let mut list = lock(&list.0);
            if list.closed {
                return;
            }
            list.changed = false;
            let asked = list.watched.iter().filter(|(_, watched)| is_here || !watched.connected);
            asked.map(|(slot, watched)| (*slot, watched.ticket.clone())).unzip()
        };
        let states = if tickets.is_empty() { Vec::new() } else { launcher.poll(&tickets) };
        let mut news = false;
        for ((slot, ticket), state) in slots.into_iter().zip(tickets).zip(states) {
            let is_new = enter(&mut lock(&list.0).watched, slot, &ticket, &state);
            if is_new {
                news = true;
                tell(slot, state);
            }
        }
        pause = if news { shortest } else { launcher.period().min(pause * 2) };
        if wait(list, shortest, pause) {
            pause = shortest;
        }
    }
}

/// Waits for the time `longest`, or until the list changes, but for the time `shortest` at least. Whether it has changed.
fn wait(list: &Shared, shortest: Duration, longest: Duration) -> bool {
    let since = Instant::now();
    let mut locked = lock(&list.0);
    loop {
        let until = if locked.changed { shortest } else { longest };
        let left = until.saturating_sub(since.elapsed());
        if left.is_zero() || locked.closed {
            return locked.changed;
        }
        locked = list.1.wait_timeout(locked, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// Notes the state of a worker, and says whether it is to be told: another worker may have the slot by now.
fn enter(watched: &mut HashMap<usize, Watched>, slot: usize, ticket: &Ticket, state: &State) -> bool {
    let Some(of) = watched.get_mut(&slot).filter(|of| of.ticket == *ticket) else { return false };
    match (&of.told, state) {
        (_, State::Ended(_) | State::Refused(_)) => {
            watched.remove(&slot);
            true
        }
        (Some(State::Queued), State::Queued) | (_, State::Unknown) => false,
        (_, State::Queued) => of.told.replace(State::Queued) != Some(State::Queued),
        (before, State::Running) => {
            let begins = *before == Some(State::Queued);
            of.told = Some(State::Running);
            begins
        }
    }
}

fn lock(list: &Mutex<List>) -> MutexGuard<'_, List> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::job::Ended;
    use super::*;

    #[test]
    fn only_changes_are_told_and_none_of_a_worker_whose_slot_another_one_has() {
        let ticket = |name: &str| Ticket { name: name.to_owned(), pid: None };
        let entry = |name| Watched { ticket: ticket(name), told: None, connected: false };
        let mut watched = HashMap::from([(0, entry("b")), (1, entry("c"))]);
        let mut enter = |slot, name: &str, state: State| enter(&mut watched, slot, &ticket(name), &state);
        let ended = State::Ended(Ended::Code(0));
        assert!(!enter(0, "a", ended.clone()), "an answer that is late");
        let told = [State::Queued, State::Queued, State::Unknown, State::Running, State::Running, ended.clone(), ended]
            .map(|state| enter(0, "b", state));
        assert_eq!(told, [true, false, false, true, false, true, false]);
        let told = [State::Running, State::Queued, State::Running].map(|state| enter(1, "c", state));
        assert_eq!(told, [false, true, true], "a job that was preempted waits in the queue again");
    }
}
