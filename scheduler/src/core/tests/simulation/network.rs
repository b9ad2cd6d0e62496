//! Lines between processes: what is said arrives later, twice, in another order or never.

use super::super::*;
use super::world::{Happening, World};

impl World {
    /// Times at which a message arrives that is sent now; none if the message is lost.
    pub(super) fn travel(&mut self, process: usize, direction: usize) -> Vec<Now> {
        if self.random.chance(self.weather.drop) {
            return Vec::new();
        }
        let delay = self.random.millis(1, if self.weather.slow { 3000 } else { 50 });
        let mut arrival = self.now + delay;
        if !self.weather.reorder {
            let last = &mut self.processes[process].arrivals[direction];
            arrival = arrival.max(*last);
            *last = arrival;
        }
        let again = self.random.chance(self.weather.double);
        if again { vec![arrival, arrival + Duration::from_millis(1)] } else { vec![arrival] }
    }

    pub(super) fn send(&mut self, worker: WorkerId, message: &ToWorker) {
        let Some(index) = self.processes.iter().position(|process| process.line == Some(worker)) else { return };
        for arrival in self.travel(index, 0) {
            self.at(arrival, Happening::Told(index, worker, message.clone()));
        }
    }

    pub(super) fn say(&mut self, index: usize, message: &FromWorker) {
        let Some(worker) = self.processes[index].line else { return };
        for arrival in self.travel(index, 1) {
            let event = Event::Message { worker, message: message.clone() };
            self.at(arrival, Happening::Hears(self.run, event));
        }
    }

    pub(super) fn hang_up(&mut self, index: usize) {
        let delay = self.random.millis(1, 2000);
        if let Some(worker) = self.processes[index].line.take() {
            self.after(delay, Happening::Hears(self.run, Event::Disconnected { worker }));
        }
    }
}
