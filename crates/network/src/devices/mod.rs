//! Graphs in the operations of one device, and the proof that they compute what the plain graph does.
//!
//! A device is a folder here with a function that lowers a graph, and one line in the list: `cpu` fuses operations for oneDNN's
//! layout, `gpu` what follows a convolution of libtorch's. The proof is the same for all devices.

pub(crate) mod cpu;
mod gpu;
mod proof;

pub use gpu::{Halves, halves};
use tch::{Device, TchError};

use self::proof::Proof;
use crate::graph::{Graph, Lowered};
use crate::operations::Convolution;
use crate::tensors::settings;

/// Result of lowering a graph for a device.
pub(crate) enum Outcome {
    /// The graph in operations of the device.
    Lowered(Box<Graph>),
    /// No lowered graph: the device does not exist, or has no operations for the graph.
    NoneHere,
    /// No lowered graph, although the graph is on the device, for this reason.
    Refused(String),
}

/// Makes the lowered graph of a device.
type Lower = fn(&Graph) -> Result<Outcome, TchError>;

/// Every device that graphs are lowered for. A CPU may play a GPU, and never the other way round.
const DEVICES: &[Lower] = &[gpu::lower, cpu::lower];

/// The `graph` with passes that run on operations of its device from now on, where the device has some.
pub(crate) fn lower(mut graph: Graph) -> Result<Graph, TchError> {
    for device in DEVICES {
        match device(&graph)? {
            Outcome::Lowered(lowered) => {
                let proof = Proof::on(graph.device());
                let is_for_gpus = graph.device() != Device::Cpu || settings::emulates_gpu();
                graph.lowered = Some(Lowered { graph: lowered, prover: Box::new(proof), is_for_gpus });
                break;
            }
            Outcome::Refused(reason) => graph.refused = Some(reason),
            Outcome::NoneHere => {}
        }
    }
    Ok(graph)
}

impl Graph {
    /// The device of the convolutions, which are what devices have operations for.
    fn device(&self) -> Device {
        let convolution = self.nodes.iter().find_map(|node| node.operation.as_a::<Convolution>());
        convolution.map_or(Device::Cpu, |convolution| convolution.weight.device())
    }
}
