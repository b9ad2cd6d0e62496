//! End of a sweep: every unit has ended, no worker can be started, or somebody asked for the end.

use std::time::Duration;

use protocol::message::ToWorker;

use super::{Action, Core, Now, Outcome};

/// Time that workers have to leave after they are told to stop. Units that they hold are done again.
pub(super) const GRACE: Duration = Duration::from_secs(10);

impl Core {
    pub(super) fn on_interrupt(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.ending.is_some() {
            // Asked twice: no more patience.
            self.kill_all(now, actions);
        }
        self.end(now, Outcome::Interrupted, actions);
    }

    /// Ends the sweep once every unit has ended, and the program once every worker has left.
    pub(super) fn conclude(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.ending.is_none() && self.units.all_ended() && self.output_folder.unclosed.is_empty() {
            let given_up = self.units.given_up();
            let outcome = if given_up.is_empty() { Outcome::Complete } else { Outcome::Incomplete(given_up) };
            self.end(now, outcome, actions);
        }
        if let Some((outcome, _)) = &self.ending
            && !self.ended
            && self.slots.running().next().is_none()
        {
            self.ended = true;
            actions.push(Action::End(outcome.clone()));
        }
    }

    /// Stops granting and tells all workers to leave. The first reason is kept.
    pub(super) fn end(&mut self, now: Now, outcome: Outcome, actions: &mut Vec<Action>) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some((outcome, now));
        for slot in self.slots.running().collect::<Vec<_>>() {
            match self.slots.worker(slot) {
                Some(worker) => actions.push(Action::Send(worker, ToWorker::Stop)),
                // There is nobody to tell.
                None => self.kill(slot, now, actions),
            }
        }
    }

    pub(super) fn kill(&mut self, slot: usize, now: Now, actions: &mut Vec<Action>) {
        self.slots.killed(slot, now);
        actions.push(Action::Kill(slot));
    }

    fn kill_all(&mut self, now: Now, actions: &mut Vec<Action>) {
        for slot in self.slots.running().collect::<Vec<_>>() {
            self.kill(slot, now, actions);
        }
    }

    /// Kills workers that have not left [`GRACE`] after the sweep ended.
    pub(super) fn lose_patience(&mut self, now: Now, actions: &mut Vec<Action>) {
        if let Some((_, since)) = self.ending
            && now.saturating_sub(since) > GRACE
        {
            self.kill_all(now, actions);
        }
    }
}
