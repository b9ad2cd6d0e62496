//! Proofs of lowered graphs, kept in files and shared by the workers of a machine.

mod cache;
mod file;
mod turns;

pub(crate) use cache::ProofCache;
