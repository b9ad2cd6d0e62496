//! Graphs inside of a program's graph, taken out of what they are wrapped in: `torch.no_grad` and `torch.autocast`.
//!
//! What runs under `torch.no_grad` is marked so that no gradient passes it. What runs under `torch.autocast` is computed in the
//! precision of the config as all other layers are: a conversion between floating types is no operation in a graph.

use std::collections::BTreeMap;

use super::alias;
use crate::programs::file::schema::{Argument, Graph, Inner, Named, NamedArgument, Node, TensorMeta};

/// The wrapper whose graph computes what it would compute without it, but for its precision.
const PRECISION: &str = "wrap_with_autocast";

/// The wrapper that says whether there are gradients.
const GRADIENTS: &str = "wrap_with_set_grad_enabled";

/// Nodes and values of a program without graphs inside.
#[derive(Default)]
pub(in crate::programs) struct Flat {
    pub(in crate::programs) nodes: Vec<Node>,
    pub(in crate::programs) metas: BTreeMap<String, TensorMeta>,
}

impl Flat {
    /// Nodes and values of the outermost `graph`.
    pub(in crate::programs) fn of(graph: Graph) -> Self {
        let mut flat = Self { nodes: Vec::new(), metas: graph.tensor_values };
        flat.extend(graph.nodes, &Scope::default());
        flat
    }

    fn extend(&mut self, nodes: Vec<Node>, scope: &Scope) {
        for mut node in nodes {
            node.detached = scope.detached;
            let arguments = node.inputs.iter_mut().map(|input| &mut input.arg).chain(&mut node.outputs);
            arguments.flat_map(alias::tensors_mut).for_each(|name| scope.rename(name));
            match Wrapped::of(&mut node) {
                Some(wrapped) => self.unwrap(wrapped, &node, scope),
                None => self.nodes.push(node),
            }
        }
    }

    /// Puts what `wrapper` holds in its place.
    fn unwrap(&mut self, inside: Wrapped, wrapper: &Node, scope: &Scope) {
        let Wrapped { graph, given, gradients } = inside;
        let mut inner = Scope {
            // Names that no value of a program has.
            prefix: format!("{}{}/", scope.prefix, self.nodes.len()),
            detached: gradients.map_or(scope.detached, |enabled| !enabled),
            given: BTreeMap::new(),
        };
        for (input, given) in graph.inputs.iter().zip(given) {
            if let ([name], [given]) = (&alias::tensors(input)[..], &alias::tensors(&given)[..]) {
                inner.given.insert((*name).to_owned(), (*given).to_owned());
            }
        }
        for (mut name, meta) in graph.tensor_values {
            inner.rename(&mut name);
            self.metas.entry(name).or_insert(meta);
        }
        let outer = wrapper.outputs.iter().flat_map(alias::tensors);
        let given: Vec<(String, String)> = graph
            .outputs
            .iter()
            .flat_map(alias::tensors)
            .zip(outer)
            .map(|(from, to)| {
                let mut from = from.to_owned();
                inner.rename(&mut from);
                (from, to.to_owned())
            })
            .collect();
        self.extend(graph.nodes, &inner);
        self.nodes.extend(given.into_iter().map(|(from, to)| same(from, to, scope.detached)));
    }
}

/// Where nodes stand.
#[derive(Default)]
struct Scope {
    /// Prefix of the names of the values that are computed inside.
    prefix: String,
    /// Whether there are no gradients.
    detached: bool,
    /// Names outside of the values that come from outside, by their names inside.
    given: BTreeMap<String, String>,
}

impl Scope {
    fn rename(&self, name: &mut String) {
        *name = self.given.get(name).cloned().unwrap_or_else(|| format!("{}{name}", self.prefix));
    }
}

/// Content of a wrapper.
struct Wrapped {
    graph: Graph,
    /// Arguments of the wrapper.
    given: Vec<Argument>,
    /// Whether there are gradients inside, if the wrapper says so.
    gradients: Option<bool>,
}

impl Wrapped {
    /// Takes the content out of `node`, if the node is a known wrapper.
    fn of(node: &mut Node) -> Option<Self> {
        let name = node.target.strip_prefix("torch.ops.higher_order.")?;
        let gradients = match node.inputs.first().map(|input| &input.arg) {
            Some(Argument::AsBool(enabled)) if name == GRADIENTS => Some(*enabled),
            _ if name == PRECISION => None,
            _ => return None,
        };
        let place = node.inputs.iter().position(|input| matches!(input.arg, Argument::AsGraph(_)))?;
        let mut arguments = node.inputs.split_off(place).into_iter().map(|input| input.arg);
        let Some(Argument::AsGraph(inner)) = arguments.next() else { return None };
        let Inner { graph } = *inner;
        Some(Self { graph, given: arguments.collect(), gradients })
    }
}

/// A node that gives the value `from` the name `to`.
fn same(from: String, to: String, detached: bool) -> Node {
    let input = NamedArgument { name: "self".to_owned(), arg: Argument::AsTensor(Named { name: from }) };
    Node {
        target: "torch.ops.aten.alias.default".to_owned(),
        inputs: vec![input],
        outputs: vec![Argument::AsTensor(Named { name: to.clone() })],
        metadata: BTreeMap::new(),
        name: Some(to),
        detached,
    }
}
