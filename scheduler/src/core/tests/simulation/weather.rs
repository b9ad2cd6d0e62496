//! Weather of a simulated sweep: everything that may go wrong, determined by a seed.

use std::time::Duration;

use protocol::message::Failure;

/// xorshift64*, by Vigna.
#[derive(Clone, Debug)]
pub(in crate::core::tests) struct Random(u64);

impl Random {
    pub(in crate::core::tests) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below `n`.
    pub(in crate::core::tests) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }

    /// True in so many of a thousand cases.
    pub(in crate::core::tests) fn chance(&mut self, of_thousand: u64) -> bool {
        self.below(1000) < of_thousand
    }

    pub(in crate::core::tests) fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// Probabilities in thousandths, most of them zero in most sweeps.
#[derive(Clone, Debug, Default)]
pub(super) struct Weather {
    pub(super) drop: u64,
    pub(super) double: u64,
    pub(super) reorder: bool,
    pub(super) slow: bool,
    /// A unit fails; takes for ever; ends its worker.
    pub(super) fail: u64,
    pub(super) hang: u64,
    pub(super) crash: u64,
    /// A worker dies after the last byte of a unit and before it says so.
    pub(super) cut: u64,
    /// A process cannot be started, leaves at once, or never calls.
    pub(super) stillborn: u64,
    /// A unit that always ends so.
    pub(super) poison: Option<Failure>,
    /// Blow that befalls the sweep every few seconds.
    pub(super) faults: Vec<Fault>,
}

/// Blow against the sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    KillWorker,
    TerminateWorker,
    PreemptWorker,
    FreezeWorker,
    StickWorker,
    BreakLine,
    CrashScheduler,
    FreezeScheduler,
    FillDisk,
    SecondCaller,
    SickDevice,
    Interrupt,
    /// The job of a worker is put back into the queue, and refused there.
    RefuseJob,
}

const FAULTS: [Fault; 13] = [
    Fault::KillWorker,
    Fault::TerminateWorker,
    Fault::PreemptWorker,
    Fault::FreezeWorker,
    Fault::StickWorker,
    Fault::BreakLine,
    Fault::CrashScheduler,
    Fault::FreezeScheduler,
    Fault::FillDisk,
    Fault::SecondCaller,
    Fault::SickDevice,
    Fault::Interrupt,
    Fault::RefuseJob,
];

/// Failures that a unit may be said to have.
pub(super) const CLASSES: [Failure; 7] = [
    Failure::Input,
    Failure::Group,
    Failure::Number,
    Failure::Storage,
    Failure::OutOfMemory,
    Failure::Sticky,
    Failure::Engine,
];

impl Weather {
    pub(super) fn new(random: &mut Random) -> Self {
        let mut rate = |most: u64| if random.chance(250) { 1 + random.below(most) } else { 0 };
        let (drop, double, fail, hang) = (rate(50), rate(200), rate(200), rate(100));
        let (crash, cut, stillborn) = (rate(100), rate(200), rate(300));
        let poison = random.chance(150).then(|| CLASSES[random.below(CLASSES.len() as u64) as usize]);
        let faults = FAULTS.into_iter().filter(|_| random.chance(400)).collect();
        let (reorder, slow) = (random.chance(100), random.chance(300));
        let poison = poison.filter(|class| *class != Failure::Storage);
        Self { drop, double, reorder, slow, fail, hang, crash, cut, stillborn, poison, faults }
    }

    /// Whether nothing of it can be a reason to give up a unit.
    pub(super) fn spares_units(&self) -> bool {
        self.drop + self.fail + self.hang + self.crash == 0 && !self.reorder && self.poison.is_none()
    }
}
