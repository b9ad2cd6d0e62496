//! The desk: orders for workers, the arrays that they became, and what is known of each job.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use super::super::job::{Ended, State, Ticket};
use super::array::{Array, HandedIn, Order};
use super::nodes::Nodes;
use super::squeue::Rows;

/// Beginning of the name of every array.
const NAME: &str = "attrisweep-";

/// Answers in a row that lack a job, and the time that they span, after which the job is taken for gone. A cluster forgets jobs minutes
/// after their end, and shows new ones a moment late.
const ENOUGH: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(5);

/// Time after which a job that is still there is cancelled again.
const AGAIN: Duration = Duration::from_secs(20);

/// Orders and jobs, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// The array that takes orders.
    next: Option<Array>,
    /// Orders that are being handed in, or wait for an answer of Slurm, by their tickets.
    waiting: HashSet<String>,
    /// Orders that Slurm refused, with its reason.
    refused: HashMap<String, String>,
    /// Jobs that are to be cancelled, and the time at which they last were.
    ending: HashMap<String, Option<Instant>>,
    /// Jobs that were missing in this number of answers, the first of them at this time.
    missing: HashMap<String, (u32, Instant)>,
    /// Jobs that were not seen to end.
    open: BTreeSet<String>,
    pub(super) nodes: Nodes,
}

/// Name of the array, and index in it, of the job that `ticket` names.
pub(super) fn place(ticket: &Ticket) -> Option<(String, usize)> {
    let (array, index) = ticket.name.split_once('/')?;
    array.starts_with(NAME).then_some(())?;
    Some((array.to_owned(), index.parse().ok()?))
}

impl Desk {
    /// Takes an order, and returns the name of the job that it becomes.
    pub(super) fn order(&mut self, order: Order) -> String {
        // One array has one job for a slot.
        let array =
            self.next.get_or_insert_with(|| Array { name: new_name(order.job.instance), orders: BTreeMap::new() });
        let name = format!("{}/{}", array.name, order.job.slot);
        array.orders.insert(order.job.slot, order);
        self.waiting.insert(name.clone());
        self.open.insert(name.clone());
        name
    }

    pub(super) fn adopt(&mut self, ticket: &Ticket) {
        self.open.insert(ticket.name.clone());
    }

    /// The array that is to be handed in now.
    pub(super) fn next_array(&mut self) -> Option<Array> {
        self.next.take()
    }

    /// Notes the answer to an array that was handed in.
    pub(super) fn submitted(&mut self, array: Array, handed_in: HandedIn) {
        let names = array.orders.keys().map(|slot| format!("{}/{slot}", array.name)).collect::<Vec<_>>();
        match handed_in {
            HandedIn::Taken => {
                for name in names {
                    self.waiting.remove(&name);
                }
            }
            HandedIn::Refused(reason) => {
                for name in names {
                    self.waiting.remove(&name);
                    self.refused.insert(name, reason.clone());
                }
            }
            // Orders that came meanwhile are an array of their own, which is handed in after this one.
            HandedIn::Later if self.next.is_none() => self.next = Some(array),
            HandedIn::Later => {
                for name in names {
                    self.waiting.remove(&name);
                    self.refused.insert(name, "Slurm gives no answer".to_owned());
                }
            }
        }
    }

    /// Notes that the job of `ticket` is to be ended.
    pub(super) fn end(&mut self, ticket: &Ticket) {
        if let (Some(array), Some((name, index))) = (&mut self.next, place(ticket))
            && array.name == name
        {
            array.orders.remove(&index);
            if array.orders.is_empty() {
                self.next = None;
            }
            self.waiting.remove(&ticket.name);
        }
        self.ending.entry(ticket.name.clone()).or_default();
    }

    /// States of `tickets` by the `rows` of an answer, and the jobs to cancel now, as scancel takes them.
    pub(super) fn states(&mut self, tickets: &[Ticket], rows: Option<&Rows>) -> (Vec<State>, Vec<String>) {
        let states: Vec<State> = tickets.iter().map(|ticket| self.state(ticket, rows)).collect();
        let mut cancelled = Vec::new();
        for (ticket, state) in tickets.iter().zip(&states) {
            if matches!(state, State::Ended(_) | State::Refused(_)) {
                self.forget(&ticket.name);
            }
            let row = place(ticket).and_then(|place| rows?.get(&place));
            if let (Some(last), Some(row), Some((_, index))) = (self.ending.get_mut(&ticket.name), row, place(ticket))
                && last.is_none_or(|last| last.elapsed() > AGAIN)
            {
                *last = Some(Instant::now());
                cancelled.push(format!("{}_{index}", row.array));
            }
        }
        (states, cancelled)
    }

    fn state(&mut self, ticket: &Ticket, rows: Option<&Rows>) -> State {
        if let Some(reason) = self.refused.remove(&ticket.name) {
            return State::Refused(reason);
        }
        if self.waiting.contains(&ticket.name) {
            return State::Queued;
        }
        let (Some(place), Some(rows)) = (place(ticket), rows) else { return State::Unknown };
        let Some(row) = rows.get(&place) else { return self.missing(ticket) };
        self.missing.remove(&ticket.name);
        let state = row.state();
        // What we cancelled ourselves says nothing of the node.
        if matches!(state, State::Ended(_)) && row.blames_node() && !self.ending.contains_key(&ticket.name) {
            self.nodes.failed(&row.node);
        }
        state
    }

    /// State of a job that an answer lacks.
    fn missing(&mut self, ticket: &Ticket) -> State {
        let (count, since) = self.missing.entry(ticket.name.clone()).or_insert((0, Instant::now()));
        *count += 1;
        let gone = *count >= ENOUGH && since.elapsed() >= PATIENCE;
        if gone { State::Ended(Ended::TakenAway) } else { State::Unknown }
    }

    fn forget(&mut self, name: &str) {
        self.ending.remove(name);
        self.missing.remove(name);
        self.open.remove(name);
    }

    /// Names of arrays with jobs that were not seen to end.
    pub(super) fn open(&self) -> BTreeSet<String> {
        self.open.iter().filter_map(|name| Some(name.split_once('/')?.0.to_owned())).collect()
    }
}

/// A name that no other array of this user has: that of a worker's instance, the nanoseconds since 1970.
pub(super) fn new_name(instance: u64) -> String {
    format!("{NAME}{instance:x}")
}

#[cfg(test)]
mod tests;
