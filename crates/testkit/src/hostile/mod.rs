//! Hostile files: sound files that are mutated at random, and a meter of the memory that reading them takes.
//!
//! Every file is a function of its seed, which stands in the message of a failure: `ATTRISWEEP_SEED=<seed>` runs it
//! alone, `ATTRISWEEP_ROUNDS=<n>` runs more of them.

mod meter;
mod mutation;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

pub use meter::Meter;
pub use mutation::{below, mutated};

/// Number of mutated files in a test, unless the environment says otherwise.
const ROUNDS: u64 = 1500;

/// Lock of the measurements: memory is measured for the whole process, so one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Waits for measurements to end, and holds others back until the result is dropped: for tests that make large files.
pub fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `read` with the random numbers of each seed. `read` must neither panic nor take more than `most` bytes of memory.
///
/// # Panics
/// With the seed in the message, if `read` does so.
pub fn survive(meter: &Meter, most: usize, mut read: impl FnMut(&mut ChaCha8Rng)) {
    let _alone = alone();
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seeds = match number("ATTRISWEEP_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("ATTRISWEEP_ROUNDS").unwrap_or(ROUNDS),
    };
    for seed in seeds {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        meter.begin(seed, most);
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&mut random)));
        let peak = meter.end();
        if let Err(panic) = outcome {
            Meter::tell(format_args!("ATTRISWEEP_SEED={seed}: reading the file panicked\n"));
            resume_unwind(panic);
        }
        assert!(
            peak <= most,
            "ATTRISWEEP_SEED={seed}: reading the file took {peak} bytes, at most {most} are accepted"
        );
    }
}
