//! A call of an operator, as an operation's file reads it: arguments by name, `ATen`'s defaults where a
//! program omits them, and the graph that grows by what the call becomes.

pub(super) mod argument;
pub(super) mod bounds;
mod faults;

use tch::{Device, Kind, Tensor};

use self::argument::FromArgument;
use super::file::schema::{Argument, Node};
use super::nodes::module::module;
use super::sizes::Batch;
use super::state::State;
use super::{ExportError, Value};
use crate::graph::{self, Constant, How, Id, Operation, Size, copied};

/// A call of an operator.
pub(crate) struct Call<'a> {
    node: &'a Node,
    /// Without `aten.`, overload, and the underscore of a change in place.
    operator: &'a str,
    state: &'a mut State,
}

impl<'a> Call<'a> {
    pub(in crate::programs) fn new(node: &'a Node, operator: &'a str, state: &'a mut State) -> Self {
        Self { node, operator, state }
    }

    /// Name of the called operator: `relu` for `torch.ops.aten.relu_.default`.
    pub(crate) fn operator(&self) -> &'a str {
        self.operator
    }

    /// Whether the innermost module is of this class of `torch.nn`.
    pub(crate) fn is_in_module(&self, class: &str) -> bool {
        let found = module(self.node).class;
        found.starts_with("torch.nn.modules.") && found.rsplit('.').next() == Some(class)
    }

    /// Device and floating type of the graph.
    pub(crate) fn placed(&self) -> (Device, Kind) {
        self.state.placed
    }

    /// The argument `name`, if it is given and not `None`.
    pub(crate) fn optional<T: FromArgument>(&self, name: &str) -> Result<Option<T>, ExportError> {
        match self.argument(name) {
            None => Ok(None),
            Some(argument) => {
                let read = T::from_argument(argument).map(Some);
                read.ok_or_else(|| self.fault(name, &format!("expected {}", T::EXPECTED)))
            }
        }
    }

    /// The argument `name`, or what it is where programs omit it.
    pub(crate) fn get<T: FromArgument>(&self, name: &str, default: T) -> Result<T, ExportError> {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    /// The argument `name`, which has no default.
    pub(crate) fn need<T: FromArgument>(&self, name: &str) -> Result<T, ExportError> {
        self.optional(name)?.ok_or_else(|| self.fault(name, "is missing"))
    }

    /// The tensor `name`.
    pub(crate) fn value(&mut self, name: &str) -> Result<Value, ExportError> {
        self.optional_value(name)?.ok_or_else(|| self.fault(name, "expected a tensor"))
    }

    /// The tensor `name`, if it is given.
    pub(crate) fn optional_value(&mut self, name: &str) -> Result<Option<Value>, ExportError> {
        let names = self.argument(name).map(super::nodes::alias::tensors).unwrap_or_default();
        names.first().map(|value| self.state.value(value)).transpose()
    }

    /// The tensors of the list `name`.
    pub(crate) fn values(&mut self, name: &str) -> Result<Vec<Value>, ExportError> {
        let names = self.argument(name).map(super::nodes::alias::tensors).unwrap_or_default();
        names.into_iter().map(|value| self.state.value(value)).collect()
    }

    /// The tensors of the list `name`, which may leave some out.
    pub(crate) fn optional_values(&mut self, name: &str) -> Result<Vec<Option<Value>>, ExportError> {
        let names = self.argument(name).map(super::nodes::alias::optional_tensors).unwrap_or_default();
        names.into_iter().map(|value| value.map(|value| self.state.value(value)).transpose()).collect()
    }

    /// Whether the tensor `name` is given.
    pub(crate) fn gives(&self, name: &str) -> bool {
        self.argument(name).is_some_and(|argument| !super::nodes::alias::tensors(argument).is_empty())
    }

    /// The tensor or number `name`.
    pub(crate) fn operand(&mut self, name: &str) -> Result<Value, ExportError> {
        if let Some(value) = self.optional_value(name)? {
            return Ok(value);
        }
        let number: f64 = self.need(name)?;
        let (device, kind) = self.placed();
        Ok(Tensor::f_full(Vec::<i64>::new(), number, (kind, device))?.into())
    }

    /// The tensor `name`, which must not depend on the images.
    pub(crate) fn constant(&mut self, name: &str) -> Result<Tensor, ExportError> {
        self.optional_constant(name)?.ok_or_else(|| self.fault(name, "expected a tensor"))
    }

    /// The tensor `name`, if it is given; it must not depend on the images.
    pub(crate) fn optional_constant(&mut self, name: &str) -> Result<Option<Tensor>, ExportError> {
        match self.optional_value(name)? {
            None => Ok(None),
            Some(Value::Constant(tensor)) => Ok(Some(tensor.shallow_clone())),
            Some(_) => Err(self.fault(name, "depends on the images; expected a weight or another constant")),
        }
    }

    /// Shape of the tensor `name`; a size that depends on anything but the number of images is none.
    pub(crate) fn shape(&self, name: &str) -> Result<Vec<Option<Size>>, ExportError> {
        let tensor = self.argument(name).map(super::nodes::alias::tensors).unwrap_or_default().first().copied();
        let shape = tensor.and_then(|tensor| self.state.shape(tensor));
        shape.ok_or_else(|| self.fault(name, "expected a tensor"))
    }

    /// Type of the elements of the tensor `name`, as the program says.
    pub(crate) fn kind(&self, name: &str) -> Option<Kind> {
        let tensor = self.argument(name).map(super::nodes::alias::tensors).unwrap_or_default().first().copied()?;
        super::file::archive::kind(self.state.metas.get(tensor)?.dtype)
    }

    /// Whether the only tensor of the list `name` has the shape of the tensor `other`.
    pub(crate) fn is_as_large(&self, name: &str, other: &str) -> bool {
        let tensors = self.argument(name).map(super::nodes::alias::tensors).unwrap_or_default();
        let shape = tensors.first().and_then(|tensor| self.state.shape(tensor));
        shape.is_some_and(|shape| self.shape(other).is_ok_and(|other| other == shape))
    }

    /// The argument `name` of dimensions of `tensor`, counted from the first.
    pub(crate) fn dims(&self, tensor: &str, dims: &[i64]) -> Result<Vec<i64>, ExportError> {
        let rank = self.shape(tensor)?.len() as i64;
        let dim = |dim: &i64| if *dim < 0 { dim + rank } else { *dim };
        let dims: Vec<i64> = dims.iter().map(dim).collect();
        let there = dims.iter().all(|dim| (0..rank).contains(dim));
        there.then_some(dims).ok_or_else(|| self.fault("dim", &format!("{tensor} has {rank} dimensions")))
    }

    /// The dimension `name` of `self`, counted from the first.
    pub(crate) fn dim(&self, name: &str, default: i64) -> Result<i64, ExportError> {
        let dim = self.get(name, default)?;
        Ok(self.dims("self", &[dim])?[0])
    }

    /// Whether anything on the way to the logits reads the output number `index`, counted from 0.
    pub(crate) fn is_read(&self, index: usize) -> bool {
        let mut names = self.node.outputs.iter().flat_map(super::nodes::alias::tensors);
        names.nth(index).is_some_and(|name| self.state.last_read.contains_key(name))
    }

    /// Shapes of the outputs.
    pub(crate) fn output_shapes(&self) -> Vec<Vec<Option<Size>>> {
        let names = self.node.outputs.iter().flat_map(super::nodes::alias::tensors);
        names.filter_map(|name| self.state.shape(name)).collect()
    }

    /// Shape of the only output, with -1 for one size that depends on more than the number of images.
    pub(crate) fn output_shape(&self) -> Result<Vec<Size>, ExportError> {
        let shape = self.output_shapes().into_iter().next().unwrap_or_default();
        if shape.iter().filter(|size| size.is_none()).count() > 1 {
            let reason = "more than one size depends on height and width; export the program for one size of images";
            return Err(self.fault("size", reason));
        }
        Ok(shape.into_iter().map(|size| size.unwrap_or(Size::Fixed(-1))).collect())
    }

    /// The value of `operation`: a node of the graph, or a constant if all `inputs` are.
    pub(crate) fn apply(
        &mut self,
        operation: impl Operation + 'static,
        inputs: &[Value],
    ) -> Result<Value, ExportError> {
        let constants: Option<Vec<&Tensor>> = inputs.iter().map(Value::tensor).collect();
        match constants {
            Some(constants) => {
                self.broadcast(&constants)?;
                let how = How { images: 1, ..How::FORWARD };
                Ok(operation.run(&constants, how)?.0.into())
            }
            None => self.push(operation, inputs),
        }
    }

    /// As [`Call::apply`], but always a node.
    pub(crate) fn push(&mut self, operation: impl Operation + 'static, inputs: &[Value]) -> Result<Value, ExportError> {
        let name = match (module(self.node).path, &self.node.name) {
            ("", Some(name)) => name.clone(),
            (path, _) => path.to_owned(),
        };
        let mut ids = Vec::with_capacity(inputs.len());
        for input in inputs {
            ids.push(match input {
                Value::Images(id) => *id,
                Value::Constant(tensor) => self.state.push(&name, Constant(copied(tensor)?), Vec::new()),
                Value::List(_) | Value::Lost => return Err(self.fault("input", "is a list of tensors, expected one")),
            });
        }
        Ok(Value::Images(self.state.push(&name, operation, ids)))
    }

    /// The node of the graph that computes `value`, if one does.
    pub(crate) fn node_of(&self, value: &Value) -> Option<&graph::Node> {
        match value {
            Value::Images(id) => self.node(*id),
            Value::Constant(_) | Value::List(_) | Value::Lost => None,
        }
    }

    /// The node `id` of the graph, if there is one.
    pub(crate) fn node(&self, id: Id) -> Option<&graph::Node> {
        self.state.nodes.get(id)
    }

    /// Returns an error if the images leave dimension 0, where the program does not say where they are.
    pub(crate) fn keep_in_front(&self, stays: bool) -> Result<(), ExportError> {
        if stays || !matches!(self.state.batch, Batch::Fixed(_)) {
            return Ok(());
        }
        Err(self.fixed_batch())
    }

    fn argument(&self, name: &str) -> Option<&'a Argument> {
        let found = self.node.inputs.iter().find(|input| input.name == name)?;
        (!matches!(found.arg, Argument::AsNone(_))).then_some(&found.arg)
    }
}
