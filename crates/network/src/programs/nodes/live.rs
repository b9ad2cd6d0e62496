//! Which nodes of a program the logits need: what else it does, such as counting its calls, is no part of the graph.

use std::collections::{BTreeMap, BTreeSet};

use super::alias;
use super::alias::Memory;
use crate::programs::file::schema::Node;

/// The nodes that `logits` depend on, in their order: those whose results are read, and those that change memory that is
/// read afterwards.
pub(in crate::programs) fn live<'a>(nodes: &'a [Node], logits: &str) -> Vec<&'a Node> {
    let owners = Memory::owners(nodes);
    let owner = |name: &'a str| owners.get(name).copied().unwrap_or(name);
    let mut needed = BTreeSet::from([logits]);
    let mut memories: BTreeSet<&str> = needed.iter().map(|name| owners.get(name).copied().unwrap_or(name)).collect();
    let mut live = Vec::new();
    for node in nodes.iter().rev() {
        let reads: Vec<&'a str> = node.inputs.iter().flat_map(|input| alias::tensors(&input.arg)).collect();
        let gives = node.outputs.iter().flat_map(alias::tensors).any(|name| needed.contains(name));
        let changes = alias::operator(&node.target).is_some_and(alias::in_place)
            && reads.first().is_some_and(|name| memories.contains(owner(name)));
        if gives || changes {
            memories.extend(reads.iter().map(|name| owner(name)));
            needed.extend(reads);
            live.push(node);
        }
    }
    live.reverse();
    live
}

impl<'a> Memory<'a> {
    /// For each value of `nodes` that lies in the memory of another one, that one.
    fn owners(nodes: &'a [Node]) -> BTreeMap<&'a str, &'a str> {
        let mut memory = Self::default();
        for node in nodes {
            memory.follow(node);
        }
        memory.owner
    }
}
