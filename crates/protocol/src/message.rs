//! Messages between scheduler and workers: one JSON object a line, over TCP.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use sweep::granted_batches::GrantedBatches;
use sweep::memory::{Bound, Line};
use sweep::unit::{Unit, UnitId};

use crate::about::{About, Shared};

/// Message from a worker to the scheduler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// Answer to [`ToWorker::Challenge`]: the caller presents itself.
    Hello {
        /// Random number for the scheduler's proof ([`crate::handshake`]).
        challenge: String,
        /// Proof that the worker knows the secret that the launcher handed to it.
        proof: String,
        /// Index of the slot that the worker serves.
        slot: usize,
        /// Version of the worker, which must be the scheduler's.
        version: String,
        /// Name of the device, as the worker found the device (`cpu, 1 thread`).
        device: String,
        /// Number of the process that was started for the slot: the process of an earlier start is sent away.
        #[serde(default)]
        instance: u64,
        /// Work that the worker holds, where it calls again after its connection broke.
        #[serde(default)]
        resumes: Option<Resumed>,
        /// Machine, job and device of the worker.
        #[serde(default)]
        about: Box<About>,
    },
    /// Answer to a welcome that asks for it: the worker sees the folders of the sweep, or does not, for this reason.
    Sees(Result<(), String>),
    /// Heartbeat. Sent several times in a lease, whatever the worker is doing.
    Alive,
    /// Result of a unit of which everything is in the store, durably.
    Done {
        /// Name of the unit.
        unit: UnitId,
        /// Number of the attempt.
        attempt: u32,
        /// Time, memory and bytes that the unit took.
        report: Report,
    },
    /// Result of an attempt that failed.
    Failed {
        /// Name of the unit.
        unit: UnitId,
        /// Number of the attempt.
        attempt: u32,
        /// Class of the failure, which decides what follows.
        class: Failure,
        /// Reason of the failure, one sentence for a person.
        text: String,
    },
    /// Return of a unit: the unit was withdrawn before it was begun, or the worker has to leave. Files that are written stay.
    Returned {
        /// Name of the unit.
        unit: UnitId,
        /// Number of the attempt.
        attempt: u32,
    },
    /// Notice that the worker has to leave, as somebody else wants the machine: the worker returns its units, and wants no others.
    Leaving,
}

/// Work of a worker that calls again, perhaps another scheduler process of the same sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// Name of the sweep that the worker was welcomed to: its units are of no use for another sweep.
    pub sweep: String,
    /// Units that the worker holds, with their attempts; units whose results were not noted count.
    pub holds: Vec<(UnitId, u32)>,
}

/// Message from the scheduler to a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// First message to any caller.
    Challenge {
        /// Random number for the worker's proof ([`crate::handshake`]).
        challenge: String,
    },
    /// Answer to a hello whose proof is right, before anything else.
    Proof {
        /// Proof that the scheduler knows the secret, too.
        proof: String,
    },
    /// Admission of a worker of this sweep, which follows the proof.
    Welcome {
        /// Lease in milliseconds: a worker that hears nothing for so long ends itself.
        lease_ms: u64,
        /// Name of the sweep, for calling again.
        sweep: String,
        /// What a worker of another machine has to find, before anything is granted to it ([`FromWorker::Sees`]).
        #[serde(default)]
        shared: Option<Shared>,
    },
    /// Answer to [`FromWorker::Alive`]: the lease runs anew.
    Renewed,
    /// Grant of a unit.
    Grant {
        /// Unit that is to be done.
        unit: Unit,
        /// Number of the attempt, counted from 1.
        attempt: u32,
        /// Batch sizes for the device of the worker.
        #[serde(default)]
        batches: Arc<GrantedBatches>,
    },
    /// Receipt for the result of an attempt, whether the result counted or not: the worker need not send the result again.
    Noted {
        /// Name of the unit.
        unit: UnitId,
        /// Number of the attempt.
        attempt: u32,
    },
    /// Request to return a unit that is not begun: another worker has nothing to do.
    Withdraw {
        /// Name of the unit.
        unit: UnitId,
        /// Number of the attempt.
        attempt: u32,
    },
    /// Order to leave, as there is no more work.
    Stop,
}

/// Time, memory and bytes that a unit took, and what computing the unit has shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Attribution maps that were written (images x variants), without maps that existed before.
    pub maps: u64,
    /// Bytes that were written to the store.
    pub bytes: u64,
    /// Seconds from the start of reading to the last byte written.
    pub seconds: f64,
    /// Seconds in which the device computed.
    pub computing: f64,
    /// Variants of whose non-zero values float16 stores more than a hundredth as zero, with that share.
    pub underflow: Vec<(String, f32)>,
    /// Variants whose maps miss more than a tenth of the change of the logit that they should sum to,
    /// with that share.
    pub incomplete: Vec<(String, f32)>,
    /// Batches that were found to be better than those granted.
    pub learned: Vec<Learned>,
    /// Reason, in a sentence, for which plain operations computed on a processor that has fused kernels.
    #[serde(default)]
    pub fell_back: Option<String>,
}

/// Batch size that a worker has found for variants that are computed together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// Keys of the variants.
    pub keys: Vec<String>,
    /// Images in a batch from now on.
    pub batch: usize,
    /// Reason for which the batch is not larger.
    pub bound: Bound,
    /// Bytes of device memory, by the size of a batch.
    pub line: Line,
    /// Images a second, of all variants together.
    pub rate: f64,
    /// Whether memory ran out while the size was found.
    pub ran_out: bool,
}

/// Class of a failure of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// Damaged files of this unit in the store. Trying again is in vain.
    Input,
    /// Changed input: the data or weights of the group are not those of the check before the sweep.
    Group,
    /// A prediction or a map that is NaN, infinite or too large for the store. Trying again is in vain.
    Number,
    /// A store that cannot be read or written (disk full, read-only, gone). Everything waits for the store.
    Storage,
    /// Too little device memory for the batch.
    OutOfMemory,
    /// A failure of the device that only a new process mends. The worker leaves after this message.
    Sticky,
    /// Any other failure of libtorch. Another attempt may succeed.
    Engine,
}
