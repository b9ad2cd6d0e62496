//! Whole sweeps on a virtual clock, each with faults that its seed determines.
//!
//! `ATTRISWEEP_SEED=7 cargo test -p scheduler simulation` runs the sweep of one seed alone.

mod harm;
mod network;
mod process;
mod scheduler;
mod weather;
mod worker;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use plan::work::KINDS;

use super::Outcome;
pub(super) use weather::Random;
pub(super) use world::World;

const SEEDS: u64 = 20_000;

/// Says which seed it was if the sweep of that seed panics.
struct Named(u64);

impl Drop for Named {
    #[expect(clippy::print_stderr, reason = "what a failing test has to say")]
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("run it alone: ATTRISWEEP_SEED={} cargo test -p scheduler simulation", self.0);
        }
    }
}

/// After every event: each unit is held once at most, no device has two processes, none that is bad has one started or
/// is given work, nothing is counted twice or before
/// it is on disk, no maps are made before their predictions, budgets are kept, and nothing is granted after the end. Everything ends; and where no fault was a
/// unit's, every unit is done.
#[test]
fn whatever_goes_wrong_every_unit_is_done_once_or_given_up_and_the_sweep_ends() {
    let (only, next, events) = (std::env::var("ATTRISWEEP_SEED").ok(), AtomicU64::new(0), AtomicU64::new(0));
    let simulate = |seed| {
        let _named = Named(seed);
        let mut world = World::new(seed, &KINDS);
        let spares_units = world.spares_units();
        let outcome = world.pass();
        assert!(!spares_units || outcome == Outcome::Complete, "{outcome:?}");
        events.fetch_add(world.events, Ordering::Relaxed);
    };
    if let Some(seed) = only {
        return simulate(seed.parse().unwrap());
    }
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let seed @ 0..SEEDS = next.fetch_add(1, Ordering::Relaxed) {
                    simulate(seed);
                }
            });
        }
    });
    assert!(events.load(Ordering::Relaxed) > 50 * SEEDS, "sweeps were too short to mean anything");
}
