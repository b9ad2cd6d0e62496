//! The graph in operations for GPUs: convolutions with what follows them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use sweep::computed_by::Isa;
use tch::{Device, Kind, TchError};

use super::crop::Crops;
use super::end::Ends;
use super::launch::Launch;
use super::launch::driver::Driver;
use super::launch::emulated::Emulated;
use super::operation::Ended;
use super::pool::Pooled;
use crate::devices::Outcome;
use crate::graph::{Cutting, Graph, Id, Node, Operation};
use crate::operations::{Add, BatchNorm, Convolution, MaxPool, Relu};
use crate::tensors::settings;

thread_local! {
    /// What came of opening each GPU: kernels are compiled once.
    static OPENED: RefCell<HashMap<usize, Result<Rc<Driver>, String>>> = RefCell::default();
}

/// `graph` with fused operations, if its convolutions are on a GPU, or on a CPU that plays one, and compute in single precision, and
/// kernels run there.
pub(crate) fn lower(graph: &Graph) -> Result<Outcome, TchError> {
    let device = graph.nodes.iter().find_map(|node| match node.operation.as_a::<Convolution>() {
        Some(convolution) if is_single(convolution) => Some(convolution.weight.device()),
        _ => None,
    });
    match device.and_then(launcher) {
        Some(Ok(launch)) => Ok(Outcome::Lowered(Box::new(with(graph, launch)?))),
        Some(Err(reason)) => Ok(Outcome::Refused(reason)),
        None => Ok(Outcome::NoneHere),
    }
}

/// Who runs kernels of ours on `device`, or why nobody can; `None` where nobody is to.
pub(super) fn launcher(device: Device) -> Option<Result<Rc<dyn Launch>, String>> {
    if settings::widest() == Isa::None {
        return None;
    }
    match device {
        Device::Cuda(index) => {
            let open = || Driver::open(index).map(Rc::new).map_err(|error| error.to_string());
            let opened = OPENED.with_borrow_mut(|opened| opened.entry(index).or_insert_with(open).clone());
            Some(opened.map(|driver| driver as Rc<dyn Launch>))
        }
        Device::Cpu if settings::emulates_gpu() => Some(Ok(Rc::new(Emulated::default()))),
        _ => None,
    }
}

/// `graph` with fused operations, whose kernels `launch` runs.
pub(super) fn with(graph: &Graph, launch: Rc<dyn Launch>) -> Result<Graph, TchError> {
    let (chains, absorbed) = chains(graph);
    let ends = Ends(launch);
    let mut nodes: Vec<Node> = Vec::with_capacity(graph.nodes.len());
    // Where each value is in the new graph.
    let mut moved: Vec<Id> = Vec::with_capacity(graph.nodes.len());
    for (id, node) in graph.nodes.iter().enumerate() {
        if absorbed[id] {
            // Nobody reads it but its chain.
            moved.push(0);
            continue;
        }
        let (operation, inputs): (Rc<dyn Operation>, Vec<Id>) = if let Some(chain) = chains.get(&id) {
            (Rc::new(chain.fused(graph, &ends)?), chain.inputs(graph))
        } else {
            let pooled = node.operation.as_a::<MaxPool>();
            let pooled = pooled.map(|pool| Rc::new(Pooled::new(ends.clone(), *pool)) as Rc<dyn Operation>);
            (pooled.unwrap_or_else(|| Rc::clone(&node.operation)), node.inputs.clone())
        };
        let inputs = inputs.into_iter().map(|input| moved[input]).collect();
        moved.push(nodes.len());
        nodes.push(Node { name: node.name.clone(), operation, inputs });
    }
    let mut lowered = Graph::new(nodes, graph.shape);
    lowered.cutting = Some(Cutting::by(Box::new(Crops::by(ends.0))));
    Ok(lowered)
}

fn is_single(convolution: &Convolution) -> bool {
    convolution.weight.f_kind().is_ok_and(|kind| kind == Kind::Float)
}

/// Operations that become one.
#[derive(Default)]
struct Chain {
    convolution: Option<Id>,
    norm: Option<Id>,
    sum: Option<Id>,
    relu: Option<Id>,
}

impl Chain {
    /// A chain that begins at `id`, if one can begin there.
    fn begun(graph: &Graph, id: Id) -> Option<Self> {
        let operation = graph.nodes[id].operation.as_ref();
        if operation.as_a::<Convolution>().is_some_and(is_single) {
            return Some(Self { convolution: Some(id), ..Self::default() });
        }
        operation.as_a::<BatchNorm>().map(|_| Self { norm: Some(id), ..Self::default() })
    }

    /// Takes the operation `next`, which is the only reader of the chain; whether that fits.
    fn takes(&mut self, graph: &Graph, next: Id) -> bool {
        let operation = graph.nodes[next].operation.as_ref();
        let place = if operation.as_a::<BatchNorm>().is_some() && self.norm.is_none() && self.sum.is_none() {
            &mut self.norm
        } else if operation.as_a::<Add>().is_some() && self.convolution.is_some() && self.sum.is_none() {
            &mut self.sum
        } else if operation.as_a::<Relu>().is_some() && self.relu.is_none() {
            &mut self.relu
        } else {
            return false;
        };
        *place = Some(next);
        true
    }

    fn fused(&self, graph: &Graph, ends: &Ends) -> Result<Ended, TchError> {
        let operation = |id: Id| graph.nodes[id].operation.as_ref();
        let convolution = self.convolution.and_then(|id| operation(id).as_a());
        let norm = self.norm.and_then(|id| operation(id).as_a());
        Ended::new(ends.clone(), convolution, norm, self.relu.and_then(|id| operation(id).as_a()))
    }

    /// The value that the first operation reads, and the other summand.
    fn inputs(&self, graph: &Graph) -> Vec<Id> {
        let first = self.convolution.or(self.norm).unwrap_or(0);
        let ours = self.norm.or(self.convolution);
        let other = self.sum.and_then(|sum| graph.nodes[sum].inputs.iter().copied().find(|input| Some(*input) != ours));
        graph.nodes[first].inputs.iter().copied().take(1).chain(other).collect()
    }
}

/// Chains of operations by the last of each, and whether an operation is in a chain and not its last.
fn chains(graph: &Graph) -> (HashMap<Id, Chain>, Vec<bool>) {
    let (mut chains, mut absorbed) = (HashMap::new(), vec![false; graph.nodes.len()]);
    let mut taken = vec![false; graph.nodes.len()];
    for id in 0..graph.nodes.len() {
        let Some(mut chain) = Chain::begun(graph, id).filter(|_| !taken[id]) else { continue };
        let mut last = id;
        taken[id] = true;
        while let Some(next) = only_reader(graph, last).filter(|next| !taken[*next]) {
            if chain.relu.is_some() || !chain.takes(graph, next) {
                break;
            }
            (absorbed[last], taken[next]) = (true, true);
            last = next;
        }
        chains.insert(last, chain);
    }
    (chains, absorbed)
}

/// The only operation that reads the value `id`.
fn only_reader(graph: &Graph, id: Id) -> Option<Id> {
    let reads = |node: &Node| node.inputs.contains(&id);
    (graph.readers[id] == 1).then(|| graph.nodes.iter().position(reads)).flatten()
}
