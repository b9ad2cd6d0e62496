//! Proofs that several processes share.

use std::fmt::Debug;

/// Proofs that processes of one kind share, so that one of them proves a pass while the others wait for its result.
pub trait SharedProofs: Debug {
    /// Waits, a little at most, while another process proves a pass. Returns the names of the passes that are proved.
    fn begin(&self) -> Vec<String>;

    /// Lets the other processes go on. `proved` is the name of the pass that this process has proved since [`SharedProofs::begin`].
    fn end(&self, proved: Option<&str>);
}
