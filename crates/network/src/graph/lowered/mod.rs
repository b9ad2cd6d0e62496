//! The lowered graph as passes see it: whether they run on it, and that a proof comes first.

pub(super) mod purpose;
pub(super) mod record;
pub(super) mod shared;

use std::time::Duration;

use sweep::computed_by::Path;
use tch::TchError;

use self::purpose::Use;
use self::record::Record;
use self::shared::SharedProofs;
use super::{Graph, Trace};

impl Graph {
    /// Whether passes run on fused operations and values in blocks of channels.
    pub fn is_lowered(&self) -> bool {
        self.lowered.is_some() && !self.record.is_against()
    }

    /// The operations that passes run on from now on.
    pub fn path(&self) -> Path {
        if self.is_lowered() { Path::Lowered } else { Path::Plain }
    }

    /// Why passes run on the plain graph although there is a lowered one: a sentence, with the numbers.
    pub fn disproof(&self) -> Option<String> {
        self.record.against()
    }

    /// Number of forward passes so far, of whole images, that no proof made.
    pub fn passes(&self) -> u64 {
        self.record.passes()
    }

    /// Why passes run on the plain graph although its device has operations for it.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Time that proofs have taken so far: it is part of no batch's time.
    pub fn proving(&self) -> Duration {
        self.record.spent()
    }

    /// Whether `error` says that the lowered graph was taken out of use: the same pass made again runs on the plain graph.
    pub fn is_disproof(error: &TchError) -> bool {
        Record::is_disproof(error)
    }

    /// Takes passes for proved that were before, by a process like this one.
    pub fn trust(&self, passes: impl IntoIterator<Item = String>) {
        self.record.trust(passes);
    }

    /// Shares proofs with other processes from now on: each pass is proved by one of them.
    pub fn share(&self, proofs: Box<dyn SharedProofs>) {
        self.record.share(proofs);
    }

    /// Passes that were proved since the last call, and that were not shared.
    pub fn proved(&self) -> Vec<String> {
        self.record.take_new()
    }

    /// Takes the lowered graph out of use.
    pub fn lower_no_more(&self, reason: &str) {
        self.record.rule_out(reason);
    }

    /// The operations that passes run on.
    pub(crate) fn running(&self) -> &Self {
        let lowered = self.lowered.as_ref().filter(|_| self.is_lowered());
        lowered.map_or(self, |lowered| &lowered.graph)
    }

    /// The operations that `trace` is of.
    pub(super) fn of(&self, trace: &Trace) -> &Self {
        let lowered = self.lowered.as_ref().filter(|_| trace.lowered);
        lowered.map_or(self, |lowered| &lowered.graph)
    }

    /// Proves passes of `n` images of `[height, width]` for a purpose, before the first of these passes counts.
    pub(super) fn prove_pass(&self, n: i64, size: [i64; 2], used: Use<'_>) -> Result<(), TchError> {
        match &self.lowered {
            Some(lowered) if self.is_lowered() => lowered.prover.pass(self, n, size, used),
            _ => Ok(()),
        }
    }
}
