//! Shapes of the states of an LSTM: torch.export writes them down with a dimension of one too many.
//!
//! The states are `[layers * directions, n, values]`, and the program says `[layers * directions, 1, n, values]`. Its operators are
//! those of the model, and work on the states as they are: the shapes alone are wrong, of the states and of what is made of them.

use std::collections::BTreeMap;

use super::alias;
use super::module::module;
use crate::programs::ExportError;
use crate::programs::file::schema::{Argument, Node, TensorMeta};

/// Operators that leave the dimensions in front of the last one as they are.
const KEEP: &[&str] = &[
    "relu",
    "tanh",
    "sigmoid",
    "gelu",
    "silu",
    "leaky_relu",
    "elu",
    "hardtanh",
    "dropout",
    "clone",
    "contiguous",
    "to",
    "_to_copy",
    "detach",
    "alias",
    "linear",
    "layer_norm",
    "neg",
    "add",
    "sub",
    "mul",
    "div",
];

/// Operators whose argument is the shape of the whole output.
const SAY_ALL: &[&str] = &["view", "reshape", "_unsafe_view"];

/// Takes the dimension that is too many out of the shapes `metas` of the states of LSTMs, and of what `nodes` make of these.
///
/// # Errors
/// A node reads such a value, and what the shape of its output is nobody knows.
pub(in crate::programs) fn correct(
    nodes: &[&Node],
    metas: &mut BTreeMap<String, TensorMeta>,
) -> Result<(), ExportError> {
    for (name, at) in surplus(nodes, metas)? {
        if let Some(meta) = metas.get_mut(name).filter(|meta| at < meta.sizes.len().min(meta.strides.len())) {
            meta.sizes.remove(at);
            meta.strides.remove(at);
        }
    }
    Ok(())
}

/// Position of the dimension that is too many, by the names of the values that have one.
fn surplus<'a>(
    nodes: &[&'a Node],
    metas: &BTreeMap<String, TensorMeta>,
) -> Result<BTreeMap<&'a str, usize>, ExportError> {
    let mut surplus: BTreeMap<&str, usize> = BTreeMap::new();
    for node in nodes {
        let operator = alias::operator(&node.target).map(|name| name.trim_end_matches('_')).unwrap_or_default();
        let outputs: Vec<&str> = node.outputs.iter().flat_map(alias::tensors).collect();
        if operator == "lstm" {
            let wrong = |name: &&&str| metas.get(**name).is_some_and(is_too_long);
            surplus.extend(outputs.iter().skip(1).filter(wrong).map(|name| (*name, 1)));
            continue;
        }
        let reads: Vec<&str> = node.inputs.iter().flat_map(|input| alias::tensors(&input.arg)).collect();
        if !reads.iter().any(|name| surplus.contains_key(name)) {
            continue;
        }
        let written = Followed { node, operator, metas, surplus: &surplus }.output(&reads);
        if let Written::TooLong { at } = written.ok_or_else(|| lost(node, operator))? {
            surplus.extend(outputs.iter().map(|name| (*name, at)));
        }
    }
    Ok(surplus)
}

/// Whether `meta` is that of states with a dimension too many.
fn is_too_long(meta: &TensorMeta) -> bool {
    meta.sizes.len() == 4 && meta.sizes[1].number() == Some(1)
}

fn lost(node: &Node, operator: &str) -> ExportError {
    let reason = "reads a state of an LSTM, and torch.export writes down another shape of it than it has: what comes out is not known; \
                  read the last row of its output instead";
    ExportError::Argument {
        operator: operator.to_owned(),
        node: node.name.clone().unwrap_or_default(),
        module: module(node).said(),
        argument: node.inputs.first().map(|input| input.name.clone()).unwrap_or_default(),
        reason: reason.to_owned(),
    }
}

/// How the program writes a shape down.
enum Written {
    Right,
    /// With a dimension too many, number `at`.
    TooLong {
        at: usize,
    },
}

/// A node that reads a value of a wrong shape.
struct Followed<'a> {
    node: &'a Node,
    operator: &'a str,
    metas: &'a BTreeMap<String, TensorMeta>,
    surplus: &'a BTreeMap<&'a str, usize>,
}

impl Followed<'_> {
    /// What the shape of the output of the node is, which reads `reads`; none if nobody knows.
    fn output(&self, reads: &[&str]) -> Option<Written> {
        if SAY_ALL.contains(&self.operator) {
            return Some(Written::Right);
        }
        let at = reads.iter().find_map(|name| self.surplus.get(name).copied())?;
        // Every tensor that is read has the dimension there, or, as weights have, fewer dimensions than the states.
        let rank = reads.iter().filter_map(|name| self.rank(name)).max()?;
        let fits = |name: &&str| match self.surplus.get(*name) {
            Some(other) => *other == at && self.rank(name) == Some(rank),
            None => self.rank(name).is_some_and(|own| own < rank),
        };
        if !reads.iter().all(fits) {
            return None;
        }
        match (self.operator, self.dim().ok()?) {
            (operator, _) if KEEP.contains(&operator) && at + 1 < rank => Some(Written::TooLong { at }),
            ("squeeze", None) => Some(Written::Right),
            ("squeeze", Some(dim)) if dim == at as i64 => Some(Written::Right),
            ("select" | "squeeze", Some(0)) if at == 1 => Some(Written::TooLong { at: 0 }),
            // Counted from the last dimension, which is behind the one that is too many.
            ("cat", Some(dim)) if dim < 0 && rank as i64 + dim > at as i64 => Some(Written::TooLong { at }),
            _ => None,
        }
    }

    fn rank(&self, name: &str) -> Option<usize> {
        self.metas.get(name).map(|meta| meta.sizes.len())
    }

    /// The argument `dim`, if there is one; an error where it is no number.
    fn dim(&self) -> Result<Option<i64>, ()> {
        match self.node.inputs.iter().find(|input| input.name == "dim").map(|input| &input.arg) {
            None | Some(Argument::AsNone(_)) => Ok(None),
            Some(Argument::AsInt(dim)) => Ok(Some(*dim)),
            Some(_) => Err(()),
        }
    }
}
