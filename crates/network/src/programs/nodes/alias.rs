//! In-place operators: when treating them as functions is right, and when it is not.
//!
//! A graph computes new values only. That is the same function as the program's if nobody reads, after
//! the change, what was changed: neither the old value nor another view of its memory.

use std::collections::BTreeMap;

use crate::programs::ExportError;
use crate::programs::file::schema::{Argument, Node, OptionalTensor};

/// Operators whose output may be the memory of their input.
const VIEWS: &[&str] = &[
    "view",
    "reshape",
    "reshape_as",
    "broadcast_to",
    "flatten",
    "unflatten",
    "squeeze",
    "unsqueeze",
    "permute",
    "transpose",
    "swapaxes",
    "t",
    "select",
    "slice",
    "chunk",
    "split",
    "split_with_sizes",
    "unbind",
    "narrow",
    "unfold",
    "expand",
    "expand_as",
    "movedim",
    "contiguous",
    "dropout",
    "feature_dropout",
    "alpha_dropout",
    "alias",
    "detach",
    "to",
    "type_as",
    "numpy_T",
    "view_as",
    "mT",
    "mH",
    "adjoint",
    "diagonal",
    "swapdims",
    "moveaxis",
    "ravel",
    "as_strided",
    "tensor_split",
    "hsplit",
    "vsplit",
    "dsplit",
    "real",
    "imag",
    "view_as_real",
];

/// Operators that are carried out in truth: they are taken on constants only, and their views see it.
const IN_TRUTH: &[&str] = &["fill_", "zero_", "copy_"];

/// `torch.ops.aten.relu_.default` is `relu_`; what is no operator of `ATen` is none.
pub(in crate::programs) fn operator(target: &str) -> Option<&str> {
    let name = target.strip_prefix("torch.ops.aten.")?;
    Some(name.split_once('.').map_or(name, |(name, _)| name))
}

/// Whether `operator` changes its input.
pub(in crate::programs) fn in_place(operator: &str) -> bool {
    operator.ends_with('_') && !operator.starts_with('_')
}

/// Whether the output of `operator` may be the memory of its input.
pub(super) fn is_view(operator: &str) -> bool {
    VIEWS.contains(&operator)
}

/// Names of the tensors that `argument` holds.
pub(in crate::programs) fn tensors(argument: &Argument) -> Vec<&str> {
    match argument {
        Argument::AsTensor(named) | Argument::AsOptionalTensor(OptionalTensor::AsTensor(named)) => vec![&named.name],
        Argument::AsTensors(list) => list.iter().map(|named| named.name.as_str()).collect(),
        Argument::AsOptionalTensors(list) => list.iter().filter_map(optional).collect(),
        _ => Vec::new(),
    }
}

/// As [`tensors`], to be renamed.
pub(in crate::programs) fn tensors_mut(argument: &mut Argument) -> Vec<&mut String> {
    match argument {
        Argument::AsTensor(named) | Argument::AsOptionalTensor(OptionalTensor::AsTensor(named)) => {
            vec![&mut named.name]
        }
        Argument::AsTensors(list) => list.iter_mut().map(|named| &mut named.name).collect(),
        Argument::AsOptionalTensors(list) => list.iter_mut().filter_map(optional_mut).collect(),
        _ => Vec::new(),
    }
}

fn optional_mut(tensor: &mut OptionalTensor) -> Option<&mut String> {
    match tensor {
        OptionalTensor::AsTensor(named) => Some(&mut named.name),
        OptionalTensor::AsNone(_) => None,
    }
}

/// Names of the tensors in the list `argument`, which may leave some out.
pub(in crate::programs) fn optional_tensors(argument: &Argument) -> Vec<Option<&str>> {
    match argument {
        Argument::AsOptionalTensors(list) => list.iter().map(optional).collect(),
        other => tensors(other).into_iter().map(Some).collect(),
    }
}

fn optional(tensor: &OptionalTensor) -> Option<&str> {
    match tensor {
        OptionalTensor::AsTensor(named) => Some(&named.name),
        OptionalTensor::AsNone(_) => None,
    }
}

/// Memory that values share, and the changes of this memory.
#[derive(Default)]
pub(in crate::programs) struct Memory<'a> {
    /// For each value the one whose memory it is in.
    pub(super) owner: BTreeMap<&'a str, &'a str>,
    /// For each value how often its memory had been changed when it was made.
    seen: BTreeMap<&'a str, usize>,
    /// For each owner the changes of its memory, by the nodes that made them.
    changes: BTreeMap<&'a str, Vec<&'a Node>>,
}

impl<'a> Memory<'a> {
    /// Takes note of `node`, or refuses it because it reads what was changed.
    pub(in crate::programs) fn note(&mut self, node: &'a Node) -> Result<(), ExportError> {
        for name in node.inputs.iter().flat_map(|input| tensors(&input.arg)) {
            let owner = self.owner.get(name).copied().unwrap_or(name);
            let changes = self.changes.get(owner).map_or(&[][..], Vec::as_slice);
            if let Some(change) = changes.get(self.seen.get(name).copied().unwrap_or(0)) {
                let node_name = change.name.clone().unwrap_or_else(|| change.target.clone());
                let reader = node.name.clone().unwrap_or_else(|| node.target.clone());
                let module = super::module::module(change).said();
                return Err(ExportError::Mutated { node: node_name, module, value: name.to_owned(), reader });
            }
        }
        self.follow(node);
        Ok(())
    }

    /// The memory that `node` makes something else of, which is not the same again when the program runs again.
    pub(in crate::programs) fn advanced(&self, node: &'a Node) -> Option<&'a str> {
        let operator = operator(&node.target)?;
        let input = node.inputs.first().and_then(|input| tensors(&input.arg).first().copied())?;
        let advances = in_place(operator) && !IN_TRUTH.contains(&operator) && operator != "detach_";
        advances.then(|| self.owner.get(input).copied().unwrap_or(input))
    }

    pub(super) fn follow(&mut self, node: &'a Node) {
        let Some(operator) = operator(&node.target) else { return };
        let Some(input) = node.inputs.first().and_then(|input| tensors(&input.arg).first().copied()) else { return };
        let owner = self.owner.get(input).copied().unwrap_or(input);
        if in_place(operator) && !IN_TRUTH.contains(&operator) {
            self.changes.entry(owner).or_default().push(node);
        }
        if in_place(operator) || VIEWS.contains(&operator) {
            let changes = self.changes.get(owner).map_or(0, Vec::len);
            for output in node.outputs.iter().flat_map(tensors) {
                self.owner.insert(output, owner);
                self.seen.insert(output, changes);
            }
        }
    }
}
