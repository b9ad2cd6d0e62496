//! Queue of waiting units. A worker is given the longest unit of the model and data that the worker holds.
//!
//! Units of one model and one file of images are a **home** (affinity). A worker leaves its home when nothing waits there,
//! or when another home has a unit so long that the sweep would end with that unit alone.

mod costs;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

pub(super) use costs::places;

/// Number of a home, counted from 0.
pub(crate) type Home = u32;

/// Place of a unit in the order of the queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) home: Home,
    /// Cost of the unit, in any measure that all units share.
    pub(super) cost: f32,
    /// Whether the unit goes before longer ones: the unit is short, and others wait for it or it completes something.
    pub(super) first: bool,
}

/// Waiting units, by index.
#[derive(Debug)]
pub(super) struct Queue {
    places: Vec<Place>,
    /// Order with the longest unit first: the rank of each unit, and the unit of each rank.
    rank: Vec<u32>,
    unit: Vec<u32>,
    waiting: Vec<bool>,
    homes: Vec<Waiting>,
    /// Units that failed, and wait until all others have been tried.
    last: VecDeque<u32>,
    len: usize,
    cost: f64,
}

/// Waiting units of one home.
#[derive(Clone, Debug, Default)]
struct Waiting {
    /// Ranks of units. A unit that left the queue otherwise than from the top stays here until it gets to the top.
    heap: BinaryHeap<Reverse<u32>>,
    cost: f64,
    /// Number of workers whose last unit came from this home.
    workers: u32,
}

impl Queue {
    /// Makes a queue for units at `places`, none of which waits yet.
    pub(super) fn new(places: Vec<Place>) -> Self {
        let mut unit: Vec<u32> = (0..places.len() as u32).collect();
        let order = |index: &u32| {
            let place = &places[*index as usize];
            (place.first, place.cost)
        };
        // Stable: among equals the order of the config, which is that of the images in their files.
        unit.sort_by(|a, b| order(b).partial_cmp(&order(a)).unwrap_or(std::cmp::Ordering::Equal));
        let mut rank = vec![0; unit.len()];
        for (place, unit) in unit.iter().enumerate() {
            rank[*unit as usize] = place as u32;
        }
        let homes = places.iter().map(|place| place.home + 1).max().unwrap_or(0);
        let (waiting, homes) = (vec![false; places.len()], vec![Waiting::default(); homes as usize]);
        Self { places, rank, unit, waiting, homes, last: VecDeque::new(), len: 0, cost: 0.0 }
    }

    /// Adds a unit that waits, as the `last` of all or in its place.
    pub(super) fn push(&mut self, unit: usize, last: bool) {
        let place = self.places[unit];
        self.waiting[unit] = true;
        self.len += 1;
        self.cost += f64::from(place.cost);
        self.homes[place.home as usize].cost += f64::from(place.cost);
        if last {
            self.last.push_back(unit as u32);
        } else {
            self.homes[place.home as usize].heap.push(Reverse(self.rank[unit]));
        }
    }

    /// Removes a unit that does not wait any more.
    pub(super) fn remove(&mut self, unit: usize) {
        let place = self.places[unit];
        self.waiting[unit] = false;
        self.len -= 1;
        self.cost -= f64::from(place.cost);
        self.homes[place.home as usize].cost -= f64::from(place.cost);
    }

    /// Takes the next unit for a worker that holds `home` and is one of `workers`.
    pub(super) fn pop(&mut self, home: Option<Home>, workers: usize) -> Option<usize> {
        let unit = self.choose(home, workers).or_else(|| self.next_of_last())?;
        self.remove(unit);
        self.leave(home);
        self.homes[self.places[unit].home as usize].workers += 1;
        Some(unit)
    }

    /// Takes back `unit`, which was taken for a worker that held `home` and is not given the unit.
    pub(super) fn take_back(&mut self, unit: usize, home: Option<Home>) {
        self.leave(Some(self.places[unit].home));
        if let Some(home) = home {
            self.homes[home as usize].workers += 1;
        }
        self.push(unit, false);
    }

    /// Notes that a worker that held `home` is gone.
    pub(super) fn leave(&mut self, home: Option<Home>) {
        if let Some(home) = home {
            let home = &mut self.homes[home as usize];
            home.workers = home.workers.saturating_sub(1);
        }
    }

    pub(super) fn home(&self, unit: usize) -> Home {
        self.places[unit].home
    }

    /// Cost of the unit, in a measure that all units share.
    pub(super) fn cost(&self, unit: usize) -> f32 {
        self.places[unit].cost
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn choose(&mut self, home: Option<Home>, workers: usize) -> Option<usize> {
        let own = home.and_then(|home| self.top(home as usize));
        if self.homes.len() == 1 {
            return own.or_else(|| self.top(0));
        }
        let (mut longest, mut fullest) = (None, None);
        for index in 0..self.homes.len() {
            let Some(unit) = self.top(index) else { continue };
            let waiting = &self.homes[index];
            let share = waiting.cost / f64::from(waiting.workers + 1);
            let cost = self.places[unit].cost;
            if longest.is_none_or(|(most, _)| cost > most) {
                longest = Some((cost, unit));
            }
            if fullest.is_none_or(|(most, _)| share > most) {
                fullest = Some((share, unit));
            }
        }
        let (cost, longest) = longest?;
        // Left for later it would run while all others have nothing to do.
        let urgent = f64::from(cost) * workers as f64 > self.cost;
        match own {
            Some(own) if !urgent || self.places[own].cost >= cost => Some(own),
            None if !urgent => fullest.map(|(_, unit)| unit),
            _ => Some(longest),
        }
    }

    /// First waiting unit of `home`.
    fn top(&mut self, home: usize) -> Option<usize> {
        loop {
            let Reverse(rank) = self.homes[home].heap.peek()?;
            let unit = self.unit[*rank as usize] as usize;
            if self.waiting[unit] {
                return Some(unit);
            }
            self.homes[home].heap.pop();
        }
    }

    fn next_of_last(&mut self) -> Option<usize> {
        while let Some(unit) = self.last.pop_front() {
            if self.waiting[unit as usize] {
                return Some(unit as usize);
            }
        }
        None
    }

    #[cfg(test)]
    pub(super) fn contains(&self, unit: usize) -> bool {
        self.waiting[unit]
    }
}
