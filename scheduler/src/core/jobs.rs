//! Workers that are jobs of a queue: put back into the queue by their cluster, and let go where there is nothing for them to do.

use fleet::WorkerId;
use protocol::message::ToWorker;

use super::failure::Class;
use super::queue::Home;
use super::{Action, Core, Now};

const NOTHING_LEFT: &str = "there is nothing more for it to do";

impl Core {
    /// The worker of `slot` waits in a queue, perhaps again: what it held is done by others, and nobody is to blame.
    pub(super) fn on_queued(&mut self, slot: usize) {
        let left = self.slots.queued(slot);
        self.take_over(left);
    }

    /// The worker of `slot` cannot be started, or not again: what the one before held is done by others.
    pub(super) fn on_launch_failed(&mut self, slot: usize, fault: Option<String>, now: Now) {
        let left = self.slots.launch_failed(slot, fault, now);
        self.take_over(left);
    }

    /// Puts the units that a worker held back into the queue, without blame.
    fn take_over(&mut self, (held, home): (Vec<usize>, Option<Home>)) {
        self.queue.leave(home);
        for unit in held {
            self.units.put_back(unit);
            self.queue.push(unit, false);
        }
    }

    /// Lets workers go that are more than the open units. Others wait for their machines.
    pub(super) fn let_go(&mut self, now: Now, actions: &mut Vec<Action>) {
        if !self.policy.lets_go || self.ending.is_some() || self.output_folder.paused() {
            return;
        }
        let excess = self.slots.running().count().saturating_sub(self.units.open());
        for slot in self.slots.not_needed().into_iter().take(excess) {
            if let Some(worker) = self.slots.worker(slot) {
                self.dismiss_in_order(slot, worker, NOTHING_LEFT, actions);
            } else {
                self.slots.dismiss(slot, Class::TakenAway, NOTHING_LEFT);
                self.kill(slot, now, actions);
            }
        }
    }

    /// Tells the worker of `slot`, which holds nothing that it has begun, to leave.
    pub(super) fn dismiss_in_order(&mut self, slot: usize, worker: WorkerId, why: &str, actions: &mut Vec<Action>) {
        tracing::info!(slot, "the worker is let go: {why}");
        actions.push(Action::Send(worker, ToWorker::Stop));
        self.slots.dismiss(slot, Class::TakenAway, why);
    }
}
