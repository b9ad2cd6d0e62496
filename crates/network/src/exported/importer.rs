//! From a program to a graph: each call becomes what the file of its operation makes of it.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use super::alias::{self, Memory};
use super::archive::Archive;
use super::call::{Call, Value, in_front, unsupported};
use super::schema::{Argument, Input, Node, Output, Program, Signature, TensorMeta};
use super::sizes::Batch;
use super::{ExportError, trial};
use crate::Graph;
use crate::graph::{self, Id, Operation, Shape};
use crate::operations::{self, Images, Size};

/// The graph under construction.
pub(super) struct State {
    nodes: Vec<graph::Node>,
    values: BTreeMap<String, Value>,
    /// Parameters, buffers and constants by their name in the program: their name in the archive, and
    /// whether they are learned.
    stored: BTreeMap<String, (String, bool)>,
    metas: BTreeMap<String, TensorMeta>,
    archive: Archive,
    pub(super) batch: Batch,
    pub(super) placed: (Device, Kind),
}

/// What goes in and what comes out.
struct Interface {
    images: String,
    logits: String,
}

/// The graph of the program in `archive`, and a trial that it runs.
pub(super) fn import(mut archive: Archive, placed: (Device, Kind)) -> Result<Graph, ExportError> {
    let Program { graph_module } = archive.program()?;
    let super::schema::Graph { nodes, tensor_values: metas } = graph_module.graph;
    let interface = interface(&graph_module.signature, &nodes)?;
    let sizes = metas.get(&interface.images).map_or(&[][..], |meta| meta.sizes.as_slice());
    let [batch, channels, height, width] = sizes else { return Err(not_images(sizes.len())) };
    let (Some(batch), Some(channels)) = (Batch::of(batch), channels.number()) else {
        return Err(not_images(sizes.len()));
    };
    let size = height.number().zip(width.number()).map(|(height, width)| [height, width]);
    let mut state = State {
        nodes: Vec::new(),
        values: BTreeMap::new(),
        stored: stored(graph_module.signature),
        metas,
        archive,
        batch,
        placed,
    };
    let images = state.push("input", Images, Vec::new());
    state.values.insert(interface.images, Value::Images(images));
    let mut memory = Memory::default();
    for node in &nodes {
        memory.note(node, |name| state.is_constant(name))?;
        state.call(node)?;
    }
    let classes = state.finish(&interface.logits)?;
    let State { nodes, batch, .. } = state;
    let graph = Graph::new(nodes, Shape { channels, classes, size });
    trial::run(&graph, &batch, placed)?;
    Ok(graph)
}

impl State {
    /// Adds a node.
    pub(super) fn push(&mut self, name: &str, operation: impl Operation + 'static, inputs: Vec<Id>) -> Id {
        self.nodes.push(graph::Node { name: name.to_owned(), operation: Box::new(operation), inputs });
        self.nodes.len() - 1
    }

    /// The value that the program calls `name`.
    pub(super) fn value(&mut self, name: &str) -> Result<Value, ExportError> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        let Some((stored, learned)) = self.stored.get(name) else {
            let reason = "is read before it is computed".to_owned();
            return Err(ExportError::Tensor { name: name.to_owned(), reason });
        };
        let tensor = self.archive.tensor(stored)?;
        if *learned && tensor.f_isfinite()?.f_all()?.f_int64_value(&[])? == 0 {
            return Err(ExportError::Tensor { name: stored.clone(), reason: "holds NaN or infinity".to_owned() });
        }
        let value = Value::from(place(&tensor, self.placed)?);
        self.values.insert(name.to_owned(), value.clone());
        Ok(value)
    }

    /// Shape of the value `name`, as the program says.
    pub(super) fn shape(&self, name: &str) -> Option<Vec<Option<Size>>> {
        let meta = self.metas.get(name)?;
        let front = !self.is_constant(name) && in_front(meta, &self.batch);
        Some(self.batch.read(&meta.sizes, front))
    }

    fn is_constant(&self, name: &str) -> bool {
        self.stored.contains_key(name) || matches!(self.values.get(name), Some(Value::Constant(_)))
    }

    /// Takes `node` into the graph.
    fn call(&mut self, node: &Node) -> Result<(), ExportError> {
        let outputs: Vec<&str> = node.outputs.iter().flat_map(alias::tensors).collect();
        // Assertions give nothing, and arithmetic with sizes is worked out in the shapes.
        if outputs.is_empty() {
            return Ok(());
        }
        let operator = alias::operator(&node.target).ok_or_else(|| unsupported(node))?;
        let operator = if alias::in_place(operator) { operator.trim_end_matches('_') } else { operator };
        let knows =
            |entry: &&&operations::Entry| entry.aten.iter().any(|name| name.strip_prefix("aten.") == Some(operator));
        let entry = operations::OPERATIONS.iter().find(knows).ok_or_else(|| unsupported(node))?;
        let mut call = Call::new(node, operator, self);
        let value = entry.import(&mut call)?;
        let fixed_batch = call.fixed_batch();
        let values = match value {
            Value::List(values) => values,
            one => vec![one],
        };
        for (name, value) in outputs.into_iter().zip(values) {
            let front = self.metas.get(name).is_none_or(|meta| in_front(meta, &self.batch));
            if !front && matches!(value, Value::Images(_)) {
                return Err(fixed_batch);
            }
            self.values.insert(name.to_owned(), value);
        }
        Ok(())
    }

    /// Makes `logits` the last node, and gives the number of classes.
    fn finish(&mut self, logits: &str) -> Result<i64, ExportError> {
        let expected = "logits [images, classes], computed from the images";
        let fault = |found: String| ExportError::Interface { found, expected };
        let Some(Value::Images(id)) = self.values.get(logits) else {
            return Err(fault("the output does not depend on the images".to_owned()));
        };
        let shape = self.shape(logits).unwrap_or_default();
        let [Some(Size::Images(1)), Some(Size::Fixed(classes))] = shape[..] else {
            return Err(fault(format!("the output has {} dimensions", shape.len())));
        };
        // What comes behind the logits is computed for nobody.
        self.nodes.truncate(id + 1);
        Ok(classes)
    }
}

/// `tensor` on the device of the graph; fractions in its type.
fn place(tensor: &Tensor, (device, kind): (Device, Kind)) -> Result<Tensor, ExportError> {
    let kind = if tensor.is_floating_point() { kind } else { tensor.f_kind()? };
    Ok(tensor.f_to_kind(kind)?.f_to_device(device)?)
}

fn not_images(dimensions: usize) -> ExportError {
    let found = format!("the input has {dimensions} dimensions");
    ExportError::Interface { found, expected: "one batch of images, [images, channels, height, width]" }
}

/// The only input and the only output, or the first whose companions nobody computes.
fn interface(signature: &Signature, nodes: &[Node]) -> Result<Interface, ExportError> {
    let inputs: Vec<&Argument> = signature.input_specs.iter().filter_map(user_input).collect();
    let tensors: Vec<&str> = inputs.iter().flat_map(|input| alias::tensors(input)).collect();
    let [images] = tensors[..] else {
        let found = format!("the program takes {} tensors", tensors.len());
        return Err(ExportError::Interface { found, expected: "one batch of images" });
    };
    let outputs: Vec<&Argument> = signature.output_specs.iter().filter_map(user_output).collect();
    let outputs: Vec<&str> = outputs.iter().flat_map(|output| alias::tensors(output)).collect();
    let computed = |name: &&&str| {
        nodes.iter().any(|node| node.outputs.iter().any(|output| alias::tensors(output).contains(*name)))
    };
    match outputs[..] {
        [logits, ref others @ ..] if others.iter().all(|other| *other == logits || !computed(&other)) => {
            Ok(Interface { images: images.to_owned(), logits: logits.to_owned() })
        }
        _ => {
            let found = format!("the program gives {} tensors", outputs.len());
            Err(ExportError::Interface { found, expected: "the logits alone" })
        }
    }
}

fn user_input(input: &Input) -> Option<&Argument> {
    match input {
        Input::UserInput { arg } => Some(arg),
        _ => None,
    }
}

fn user_output(output: &Output) -> Option<&Argument> {
    match output {
        Output::UserOutput { arg } => Some(arg),
        _ => None,
    }
}

/// Where the tensors lie that are no inputs of the user's.
fn stored(signature: Signature) -> BTreeMap<String, (String, bool)> {
    let of = |input: Input| match input {
        Input::Parameter { arg, parameter_name } => Some((arg.name, (parameter_name, true))),
        Input::Buffer { arg, buffer_name } => Some((arg.name, (buffer_name, false))),
        Input::TensorConstant { arg, tensor_constant_name } => Some((arg.name, (tensor_constant_name, false))),
        _ => None,
    };
    signature.input_specs.into_iter().filter_map(of).collect()
}
