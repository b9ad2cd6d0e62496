//! What scheduler and workers say to each other: one JSON object a line, over TCP.

use serde::{Deserialize, Serialize};

use crate::computed_by::ComputedBy;
use crate::memory::{Bound, Line};
use crate::unit::{Unit, UnitId};

/// Longest line that either side accepts, in bytes. A grant with a hundred variants has 20 kB.
pub const MAX_LINE: usize = 1 << 20;

/// Exit code of a worker whose device failed in a way that only a new process mends.
pub const DEVICE_LOST: i32 = 82;

/// Exit code of a worker whose device cannot be used at all.
pub const NO_DEVICE: i32 = 83;

/// Exit code of a worker that could not reach the scheduler, or heard nothing from it, for a lease.
pub const LEASE_LOST: i32 = 84;

/// Exit code of a worker whose device has too little memory for what it was asked for.
pub const OUT_OF_MEMORY: i32 = 85;

/// Exit code of a worker that the host gave no more memory.
pub const HOST_MEMORY: i32 = 86;

/// Exit code of a worker that was told to leave (SIGTERM) by somebody else than its scheduler, and did so in order.
pub const PREEMPTED: i32 = 87;

/// From a worker to the scheduler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// The answer to [`ToWorker::Challenge`]: who calls.
    Hello {
        /// A number for the scheduler's proof: [`crate::greeting`].
        challenge: String,
        /// Shows that the worker knows the secret that the launcher handed to it.
        proof: String,
        /// Which of the sweep's devices it serves.
        slot: usize,
        /// Its version, which must be the scheduler's.
        version: String,
        /// The device as the worker found it (`cpu, 1 thread`).
        device: String,
        /// Which starting of a process for the slot this is: a caller of an earlier one is sent away.
        #[serde(default)]
        instance: u64,
        /// On calling again after the line broke: what the worker has of the sweep.
        #[serde(default)]
        resumes: Option<Resumed>,
    },
    /// Still here. Sent several times in a lease, whatever the worker is doing.
    Alive,
    /// Everything of the unit is in the store, durably.
    Done {
        /// Which unit.
        unit: UnitId,
        /// Which granting of it.
        attempt: u32,
        /// What it took.
        report: Report,
    },
    /// The unit could not be done by this attempt.
    Failed {
        /// Which unit.
        unit: UnitId,
        /// Which granting of it.
        attempt: u32,
        /// What kind of failure, which decides what follows.
        class: Failure,
        /// One sentence for a person.
        text: String,
    },
    /// The unit is given back: it was asked for and not begun, or the worker has to leave. What is written of it stays.
    Returned {
        /// Which unit.
        unit: UnitId,
        /// Which granting of it.
        attempt: u32,
    },
    /// Somebody else wants the machine: the worker gives back what it holds and leaves. Nothing is to be granted to it.
    Leaving,
}

/// What a worker has that calls again, maybe another scheduler process of the same sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// The sweep that it was welcomed to: work for another one is of no use.
    pub sweep: String,
    /// Units with their attempts that it holds, those included whose result was not noted.
    pub holds: Vec<(UnitId, u32)>,
}

/// From the scheduler to a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// The first line, to whoever calls.
    Challenge {
        /// A number for the worker's proof: [`crate::greeting`].
        challenge: String,
    },
    /// The answer to a good hello, before anything else.
    Proof {
        /// Shows that the scheduler knows the secret, too.
        proof: String,
    },
    /// Follows on a proof, where the worker is of this sweep.
    Welcome {
        /// A worker that hears nothing for so long ends itself, in milliseconds.
        lease_ms: u64,
        /// Names the sweep, for calling again.
        sweep: String,
    },
    /// The answer to [`FromWorker::Alive`]: the lease runs anew.
    Renewed,
    /// Work.
    Grant {
        /// What to do.
        unit: Unit,
        /// Which granting of it this is, counted from 1.
        attempt: u32,
    },
    /// The result of this attempt was heard, whether it counted or not: it need not be told again.
    Noted {
        /// Which unit.
        unit: UnitId,
        /// Which granting of it.
        attempt: u32,
    },
    /// Another worker has nothing to do: this unit is to be returned, unless it is begun.
    Withdraw {
        /// Which unit.
        unit: UnitId,
        /// Which granting of it.
        attempt: u32,
    },
    /// No more work: leave.
    Stop,
}

/// What a unit took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Attribution maps written (images x variants), without those found in place.
    pub maps: u64,
    /// Bytes written to the store.
    pub bytes: u64,
    /// Seconds from the start of reading to the last byte written.
    pub seconds: f64,
    /// Seconds of those in which the device computed.
    pub computing: f64,
    /// Variants of whose non-zero values float16 stores more than a hundredth as zero, with that share.
    pub underflow: Vec<(String, f32)>,
    /// Variants whose maps miss more than a tenth of the change of the logit that they should sum to,
    /// with that share.
    pub incomplete: Vec<(String, f32)>,
    /// Batches that were found to be better than those granted.
    pub learned: Vec<Learned>,
    /// What computed: two where the worker has fallen back on the way; nothing if there was nothing to compute.
    #[serde(default)]
    pub computed_by: Vec<ComputedBy>,
    /// Why that was not the fused kernels of the processor, where there are some: a sentence.
    #[serde(default)]
    pub fell_back: Option<String>,
}

/// What a worker learned of the batch of variants that it computes together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// Their keys.
    pub keys: Vec<String>,
    /// Images at once from now on.
    pub batch: usize,
    /// Why not more.
    pub bound: Bound,
    /// Bytes of the device that a batch takes.
    pub line: Line,
    /// Images a second, of all of them together.
    pub rate: f64,
    /// Whether memory ran out on the way.
    pub ran_out: bool,
}

/// What kind of failure a unit met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// What the store holds of this unit is damaged. Trying again is in vain.
    Input,
    /// The data or weights of all units of the group are not what they were when the sweep was checked.
    Group,
    /// A prediction or a map is NaN, infinite or too large for the store. Trying again is in vain.
    Number,
    /// The store cannot be read or written: disk full, read-only, gone. Everything waits for it.
    Storage,
    /// The device has too little memory for the batch.
    OutOfMemory,
    /// The device failed in a way that only a new process mends; the worker leaves after saying so.
    Sticky,
    /// libtorch failed otherwise; another attempt may succeed.
    Engine,
}
