//! The graph in operations for this processor: runs of operations fused, values in blocks of channels.

use std::collections::HashMap;
use std::rc::Rc;

use tch::TchError;

use super::onednn::block;
use super::operations::average_pool::Average;
use super::operations::convolution::Block;
use super::operations::layout::{Enter, Leave};
use super::operations::max_pool::Pool;
use super::operations::normalise::Normalise;
use crate::devices::Outcome;
use crate::graph::{Graph, Id, Node, Operation};
use crate::operations::{Add, Concatenate};
use crate::operations::{BatchNorm, Convolution, Relu};

/// `graph` in fused operations and blocked values, where this processor has them and the graph has convolutions
/// for them. Forward passes keep their bits.
pub(crate) fn lower(graph: &Graph) -> Result<Outcome, TchError> {
    let fits = |node: &Node| node.operation.as_a::<Convolution>().is_some_and(Block::fits);
    if block().is_none() || !graph.nodes.iter().any(fits) {
        return Ok(Outcome::NoneHere);
    }
    Ok(Outcome::Lowered(Box::new(Lowering::of(graph).graph()?)))
}

/// Operations that become one.
#[derive(Default)]
struct Chain {
    convolution: Option<Id>,
    concatenation: Option<Id>,
    norm: Option<Id>,
    sum: Option<Id>,
    relu: Option<Id>,
}

struct Lowering<'a> {
    graph: &'a Graph,
    /// The only reader of each value; `None` if it has several readers.
    reader: Vec<Option<Id>>,
    /// Whether each value will be blocked.
    blocked: Vec<bool>,
    /// Chains, by the last operation of each.
    chains: HashMap<Id, Chain>,
    /// Whether an operation is in a chain, and not its last.
    absorbed: Vec<bool>,
    nodes: Vec<Node>,
    /// Place of each value in the new graph, dense and blocked.
    moved: HashMap<(Id, bool), Id>,
}

impl<'a> Lowering<'a> {
    fn of(graph: &'a Graph) -> Self {
        let count = graph.nodes.len();
        let mut reader = vec![None; count];
        for (id, node) in graph.nodes.iter().enumerate() {
            for &input in &node.inputs {
                reader[input] = (graph.readers[input] == 1).then_some(id);
            }
        }
        let (chains, moved) = (HashMap::new(), HashMap::new());
        let (blocked, absorbed) = (vec![false; count], vec![false; count]);
        let mut lowering = Self { graph, reader, blocked, chains, absorbed, nodes: Vec::new(), moved };
        for id in 0..count {
            lowering.blocked[id] = lowering.will_be_blocked(id);
        }
        for id in 0..count {
            lowering.chain_from(id);
        }
        lowering
    }

    fn operation(&self, id: Id) -> &'a dyn Operation {
        self.graph.nodes[id].operation.as_ref()
    }

    fn is<T: Operation>(&self, id: Id) -> bool {
        self.operation(id).as_a::<T>().is_some()
    }

    fn will_be_blocked(&self, id: Id) -> bool {
        let node = &self.graph.nodes[id];
        let inputs_are = !node.inputs.is_empty() && node.inputs.iter().all(|&input| self.blocked[input]);
        if let Some(convolution) = self.operation(id).as_a() {
            return Block::fits(convolution);
        }
        let alone = || node.operation.any_layout() || blocked(node.operation.as_ref()).is_some();
        inputs_are && (self.is::<BatchNorm>(id) || alone())
    }

    /// The only reader of `id`, if it is blocked and nobody else has it.
    fn next(&self, id: Id) -> Option<Id> {
        self.reader[id].filter(|&next| self.blocked[next] && !self.absorbed[next] && !self.chains.contains_key(&next))
    }

    /// Begins a chain at `id`, if one can begin there.
    fn chain_from(&mut self, id: Id) {
        if !self.blocked[id] || self.absorbed[id] || self.chains.contains_key(&id) {
            return;
        }
        let mut chain = Chain::default();
        let mut last = id;
        if self.is::<Convolution>(id) {
            chain.convolution = Some(id);
        } else if self.is::<BatchNorm>(id) {
            chain.norm = Some(id);
        } else if let (true, Some(norm)) =
            (joins_channels(self.operation(id)), self.next(id).filter(|&next| self.is::<BatchNorm>(next)))
        {
            (chain.concatenation, chain.norm) = (Some(id), Some(norm));
            self.absorbed[id] = true;
            last = norm;
        } else {
            return;
        }
        while let Some(next) = self.next(last) {
            let place = if self.is::<BatchNorm>(next) && chain.norm.is_none() && chain.sum.is_none() {
                &mut chain.norm
            } else if self.is::<Add>(next) && chain.convolution.is_some() && chain.sum.is_none() {
                &mut chain.sum
            } else if self.is::<Relu>(next) {
                &mut chain.relu
            } else {
                break;
            };
            *place = Some(next);
            self.absorbed[last] = true;
            last = next;
            if chain.relu.is_some() {
                break;
            }
        }
        self.chains.insert(last, chain);
    }

    fn graph(mut self) -> Result<Graph, TchError> {
        for id in 0..self.graph.nodes.len() {
            if self.absorbed[id] {
                continue;
            }
            let node = &self.graph.nodes[id];
            let (operation, inputs) = match self.chains.remove(&id) {
                Some(chain) => self.fused(&chain)?,
                None => self.alone(id),
            };
            let new = self.push(&node.name, operation, inputs);
            self.moved.insert((id, self.blocked[id]), new);
        }
        Ok(Graph::new(self.nodes, self.graph.shape))
    }

    fn fused(&mut self, chain: &Chain) -> Result<(Rc<dyn Operation>, Vec<Id>), TchError> {
        let norm = chain.norm.and_then(|id| self.operation(id).as_a());
        let relu = chain.relu.and_then(|id| self.operation(id).as_a());
        if let Some((id, convolution)) =
            chain.convolution.and_then(|id| Some((id, self.operation(id).as_a::<Convolution>()?)))
        {
            let from = self.graph.nodes[id].inputs[0];
            // Images have too few channels for a block: oneDNN takes them as they are.
            let enters = self.blocked[from] || convolution.weight.size()[1] > 4;
            let mut inputs = vec![self.value(from, enters)];
            if let Some(sum) = chain.sum {
                let ours = chain.norm.unwrap_or(id);
                let both = &self.graph.nodes[sum].inputs;
                let other = both.iter().copied().find(|&input| input != ours).unwrap_or(ours);
                inputs.push(self.value(other, true));
            }
            return Ok((Rc::new(Block::new(convolution, norm, relu)?), inputs));
        }
        let first = chain.concatenation.or(chain.norm).unwrap_or(0);
        let inputs = self.graph.nodes[first].inputs.iter().map(|&input| self.value(input, true)).collect();
        Ok((Rc::new(Normalise::new(norm, relu)?), inputs))
    }

    /// An operation that is in no chain.
    fn alone(&mut self, id: Id) -> (Rc<dyn Operation>, Vec<Id>) {
        let (node, blocked) = (&self.graph.nodes[id], self.blocked[id]);
        let inputs = node.inputs.iter().map(|&input| self.value(input, blocked)).collect();
        let own = if blocked { self::blocked(node.operation.as_ref()) } else { None };
        (own.unwrap_or_else(|| Rc::clone(&node.operation)), inputs)
    }

    /// The value `id` in the new graph, in the layout that is wanted.
    fn value(&mut self, id: Id, blocked: bool) -> Id {
        if let Some(&there) = self.moved.get(&(id, blocked)) {
            return there;
        }
        let from = self.moved.get(&(id, !blocked)).copied().unwrap_or(0);
        let border: Rc<dyn Operation> = if blocked { Rc::new(Enter) } else { Rc::new(Leave) };
        let name = self.graph.nodes[id].name.clone();
        let new = self.push(&name, border, vec![from]);
        self.moved.insert((id, blocked), new);
        new
    }

    fn push(&mut self, name: &str, operation: Rc<dyn Operation>, inputs: Vec<Id>) -> Id {
        self.nodes.push(Node { name: name.to_owned(), operation, inputs });
        self.nodes.len() - 1
    }
}

/// Whether `operation` puts channels side by side.
fn joins_channels(operation: &dyn Operation) -> bool {
    operation.as_a::<Concatenate>().is_some_and(|values| values.dim == 1)
}

/// `operation` on blocked values; `None` where no blocked operation stands for `operation` alone.
fn blocked(operation: &dyn Operation) -> Option<Rc<dyn Operation>> {
    if let Some(pool) = operation.as_a().and_then(Average::of) {
        return Some(Rc::new(pool));
    }
    operation.as_a().and_then(Pool::of).map(|pool| Rc::new(pool) as Rc<dyn Operation>)
}
