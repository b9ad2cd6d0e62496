//! Graphs in the operations of one device, and the proof that they compute what the plain graph does.
//!
//! A device is a folder here with a function that lowers a graph, and one line in the list: `cpu` fuses operations for oneDNN's
//! layout. Kernels of our own for CUDA belong into a folder `cuda` beside it. The proof is the same for all devices.

pub(crate) mod cpu;
mod proof;

use tch::TchError;

use self::proof::Proof;
use crate::graph::{Graph, Lowered};

/// Makes the lowered graph of a device, if the device is there and has operations for the graph.
type Lower = fn(&Graph) -> Result<Option<Graph>, TchError>;

/// Every device that graphs are lowered for.
const DEVICES: &[Lower] = &[cpu::lower];

/// `graph`, whose passes from now on run on operations of its device, where there are such.
pub(crate) fn lower(mut graph: Graph) -> Result<Graph, TchError> {
    for device in DEVICES {
        if let Some(lowered) = device(&graph)? {
            graph.lowered = Some(Lowered { graph: Box::new(lowered), prover: Box::new(Proof::default()) });
            break;
        }
    }
    Ok(graph)
}
