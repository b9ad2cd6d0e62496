//! From a program to a graph: each call becomes what the file of its operation makes of it.

use std::collections::BTreeMap;

use tch::{Device, Kind};

use super::call::Call;
use super::dry_run;
use super::entry::Entry;
use super::error::ExportError;
use super::file::archive::Archive;
use super::file::schema::{Node, Program};
use super::interface::{Interface, stored};
use super::nodes::alias::{self, Memory};
use super::nodes::assigned;
use super::nodes::live;
use super::nodes::module::{module, unsupported};
use super::nodes::states;
use super::nodes::wrapped::Flat;
use super::state::State;
use super::value::{Value, bytes_of};
use crate::graph::{self, Detach, Graph, Images, Shape, Size, narrow};

/// The graph of the program in `archive`, and a trial that it runs.
pub(super) fn import(mut archive: Archive, placed: (Device, Kind), operators: &[&Entry]) -> Result<Graph, ExportError> {
    let Program { graph_module } = archive.program()?;
    let Flat { nodes, mut metas } = Flat::of(graph_module.graph);
    let interface = Interface::of(&graph_module.signature, &nodes, &metas)?;
    let Interface { images, mut logits, batch, channels, size } = interface;
    let stored = stored(graph_module.signature);
    let is_stored = |name: &str| stored.contains_key(name);
    let nodes = assigned::functional(nodes, &mut metas, (&images, &mut logits), is_stored)?;
    let live = live::live(&nodes, &logits);
    states::correct(&live, &mut metas)?;
    let last_read = last_read(&live, &logits);
    let (values, faults) = (BTreeMap::new(), Vec::new());
    let mut state =
        State { nodes: Vec::new(), values, stored, metas, last_read, archive, made: 0, faults, batch, placed };
    let input = state.push("input", Images, Vec::new());
    state.values.insert(images, Value::Images(input));
    let mut memory = Memory::default();
    for (at, node) in live.into_iter().enumerate() {
        memory.note(node)?;
        if let Some((buffer, _)) = memory.advanced(node).and_then(|owner| state.stored.get(owner)) {
            let (node_name, module) = (node.name.clone().unwrap_or_default(), module(node).said());
            return Err(ExportError::Stateful { node: node_name, module, buffer: buffer.clone() });
        }
        state.take(node, operators)?;
        state.release(node, at);
    }
    state.without_faults()?;
    let classes = state.finish(&logits)?;
    let State { nodes, batch, .. } = state;
    if !has_gradient(&nodes) {
        return Err(ExportError::Detached);
    }
    let graph = Graph::new(nodes, Shape { channels, classes, size, narrow: narrow(placed.1) });
    dry_run::run(&graph, &batch, placed)?;
    Ok(graph)
}

/// For each value, the last of the nodes `live` that reads it; the `logits` are read behind the last.
fn last_read(live: &[&Node], logits: &str) -> BTreeMap<String, usize> {
    let mut last = BTreeMap::new();
    for (at, node) in live.iter().enumerate() {
        let reads = node.inputs.iter().flat_map(|input| alias::tensors(&input.arg));
        last.extend(reads.map(|name| (name.to_owned(), at)));
    }
    last.insert(logits.to_owned(), live.len());
    last
}

/// Most bytes of constants that a program may make up: masks and positions of real models take some MB. Each may be small,
/// and all of them, or one that is joined to itself again and again, as large as anything.
const MOST_MADE: u64 = 1 << 28;

/// What a program may make besides, in sizes of its file: weights that are standardised before they are used (those of `NFNet`, weight
/// norms) are made in some steps from those of the file, and each step counts. Nobody gets gigabytes for a few hundred bytes.
const STEPS_OF_WEIGHTS: u64 = 8;

impl State {
    /// Takes `node` into the graph. A fault of a call is noted, and values that depend on the call are lost: all faults are
    /// reported at once.
    fn take(&mut self, node: &Node, operators: &[&Entry]) -> Result<(), ExportError> {
        let outputs: Vec<&str> = node.outputs.iter().flat_map(alias::tensors).collect();
        // Assertions give nothing, and arithmetic with sizes is worked out in the shapes.
        if outputs.is_empty() {
            return Ok(());
        }
        let lost = |name: &str| matches!(self.values.get(name), Some(Value::Lost));
        let reads_lost = node.inputs.iter().flat_map(|input| alias::tensors(&input.arg)).any(lost);
        let value = match entry(node, operators) {
            Ok(_) if reads_lost => Ok(Value::Lost),
            Ok((operator, entry)) => self.imported(node, operator, entry),
            Err(fault) => Err(fault),
        };
        match value {
            Ok(Value::Lost) => self.lose(&outputs),
            Ok(value) => return self.keep(node, value, &outputs),
            Err(fault @ (ExportError::Unsupported { .. } | ExportError::Argument { .. })) => {
                self.lose(&outputs);
                self.faults.push(fault);
            }
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    /// The value that `entry` makes of a call.
    fn imported(&mut self, node: &Node, operator: &str, entry: &Entry) -> Result<Value, ExportError> {
        let changed = node.inputs.first().map(|input| alias::tensors(&input.arg)).unwrap_or_default();
        let value = changed.first().and_then(|name| self.values.get(*name));
        let has_gradient =
            |value: &Value| matches!(value, Value::Images(id) if !self.nodes[*id].operation.is_detached());
        let outside = value.is_some_and(has_gradient);
        let mut call = Call::new(node, operator, self);
        if node.detached && outside && alias::operator(&node.target).is_some_and(alias::in_place) {
            // The program keeps the gradient of what was there, and loses that of the change.
            return Err(call.fault("self", "is changed in place under `torch.no_grad`, and has a gradient"));
        }
        entry.import(&mut call)
    }

    /// Lets go of the constants that no node behind `node`, the one number `at`, reads: those of a large model would fill the memory.
    fn release(&mut self, node: &Node, at: usize) {
        for name in node.inputs.iter().flat_map(|input| alias::tensors(&input.arg)) {
            let is_constant = matches!(self.values.get(name), Some(Value::Constant(_)));
            if is_constant && self.last_read.get(name).is_none_or(|last| *last <= at) {
                self.values.remove(name);
            }
        }
    }

    fn lose(&mut self, outputs: &[&str]) {
        self.values.extend(outputs.iter().map(|name| ((*name).to_owned(), Value::Lost)));
    }

    /// Keeps `value` as the values of the outputs of `node`.
    fn keep(&mut self, node: &Node, value: Value, outputs: &[&str]) -> Result<(), ExportError> {
        self.made = self.made.saturating_add(bytes_of(&value));
        let most = self.archive.length().saturating_mul(STEPS_OF_WEIGHTS).saturating_add(MOST_MADE);
        let too_many = self.made > most;
        let call = Call::new(node, "", self);
        if too_many {
            return Err(call.fault("out", "is one of too many constants that the program makes up"));
        }
        let fixed_batch = call.fixed_batch();
        let values = match value {
            Value::List(values) => values,
            one => vec![one],
        };
        for (name, value) in outputs.iter().zip(values) {
            let front = self.metas.get(*name).is_none_or(|meta| self.batch.is_in_front(&meta.sizes));
            if !front && matches!(value, Value::Images(_)) {
                return Err(fixed_batch);
            }
            let value = if node.detached { self.detached(value) } else { value };
            self.values.insert((*name).to_owned(), value);
        }
        Ok(())
    }

    /// `value` without a gradient.
    fn detached(&mut self, value: Value) -> Value {
        match value {
            Value::Images(id) if !self.nodes[id].operation.is_detached() => {
                let name = self.nodes[id].name.clone();
                Value::Images(self.push(&name, Detach, vec![id]))
            }
            value => value,
        }
    }

    /// Returns an error unless every call was understood.
    fn without_faults(&mut self) -> Result<(), ExportError> {
        let mut faults = std::mem::take(&mut self.faults);
        match faults.len() {
            0 => Ok(()),
            1 => Err(faults.remove(0)),
            _ => Err(ExportError::Several(faults)),
        }
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

/// Whether a gradient of the logits reaches the images.
fn has_gradient(nodes: &[graph::Node]) -> bool {
    let mut reached = vec![true];
    for node in nodes.iter().skip(1) {
        let passes = !node.operation.is_detached() && node.inputs.iter().any(|input| reached[*input]);
        reached.push(passes);
    }
    reached.last() == Some(&true)
}

/// The operator that `node` calls, without overload and the underscore of a change in place, and the entry of its operation.
fn entry<'a>(node: &'a Node, operators: &[&'a Entry]) -> Result<(&'a str, &'a Entry), ExportError> {
    let operator = alias::operator(&node.target).ok_or_else(|| unsupported(node))?;
    let operator = if alias::in_place(operator) { operator.trim_end_matches('_') } else { operator };
    let knows = |entry: &&&Entry| entry.aten.iter().any(|name| name.strip_prefix("aten.") == Some(operator));
    let entry = operators.iter().find(knows).ok_or_else(|| unsupported(node))?;
    Ok((operator, entry))
}
