//! Building a graph from weights: names as PyTorch's modules have them, every mistake noted.

use std::collections::BTreeSet;

use tch::{Device, Kind, Tensor};

use crate::NetworkError;
use crate::error::Mistakes;
use crate::graph::{BatchNorm, Graph, Id, Linear, MaxPool, Node, Operation};
use crate::kernel::Convolution;
use crate::weights::Weights;

/// A value of the graph under construction.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    id: Id,
    channels: i64,
}

impl Value {
    /// Channels, or width behind the global pooling.
    pub fn channels(self) -> i64 {
        self.channels
    }
}

/// Collects operations and their weights.
pub struct Builder<'a> {
    weights: &'a Weights,
    prefix: String,
    placed: (Device, Kind),
    channels: i64,
    nodes: Vec<Node>,
    used: BTreeSet<String>,
    mistakes: Mistakes,
    failure: Option<NetworkError>,
}

impl<'a> Builder<'a> {
    /// Takes tensors of `weights` to a device and type. `landmark` is a tensor that every file of the
    /// architecture has: what stands before it in the file stands before all names.
    pub(crate) fn new(weights: &'a Weights, landmark: &str, placed: (Device, Kind)) -> Result<Self, NetworkError> {
        Ok(Self {
            weights,
            prefix: weights.prefix_of(landmark)?,
            placed,
            channels: 0,
            nodes: Vec::new(),
            used: BTreeSet::new(),
            mistakes: Mistakes::default(),
            failure: None,
        })
    }

    /// The images; their channels are those that the convolution `first` takes.
    pub fn images(&mut self, first: &str) -> Value {
        let of_file = || self.size(&format!("{first}.weight"), 1);
        self.channels = self.weights.free_sizes().map(|(channels, _)| channels).or_else(of_file).unwrap_or(3);
        self.push("input", Operation::Input, &[], self.channels)
    }

    /// A convolution without bias, with a square kernel.
    pub fn convolution(&mut self, name: &str, from: Value, out: i64, kernel: i64, stride: i64) -> Value {
        let weight = self.tensor(&format!("{name}.weight"), &[out, from.channels, kernel, kernel]);
        let padding = kernel / 2;
        let convolution = self.noted(|_| Convolution::new(weight, None, stride, padding));
        self.push_if(name, convolution.map(Operation::Convolution), &[from], out)
    }

    /// A batch norm.
    pub fn batch_norm(&mut self, name: &str, from: Value) -> Value {
        let parts = ["weight", "bias", "running_mean", "running_var"];
        let [weight, bias, mean, variance] = parts.map(|part| self.tensor(&format!("{name}.{part}"), &[from.channels]));
        // Counts batches of training; old files do not have it.
        self.used.insert(format!("{name}.num_batches_tracked"));
        let norm = self.noted(|_| BatchNorm::new(weight, bias, mean, variance));
        self.push_if(name, norm.map(Operation::BatchNorm), &[from], from.channels)
    }

    /// A ReLU.
    pub fn relu(&mut self, name: &str, from: Value) -> Value {
        self.push(name, Operation::Relu, &[from], from.channels)
    }

    /// Max pooling with square windows.
    pub fn max_pool(&mut self, name: &str, from: Value, kernel: i64, stride: i64, padding: i64) -> Value {
        self.push(name, Operation::MaxPool(MaxPool { kernel, stride, padding }), &[from], from.channels)
    }

    /// Mean over height and width.
    pub fn global_average_pool(&mut self, name: &str, from: Value) -> Value {
        self.push(name, Operation::GlobalAveragePool, &[from], from.channels)
    }

    /// Sum of two values of one shape.
    pub fn add(&mut self, name: &str, left: Value, right: Value) -> Value {
        self.push(name, Operation::Add, &[left, right], left.channels)
    }

    /// The last layer; its rows in the file are the classes.
    pub fn classifier(&mut self, name: &str, from: Value) -> Value {
        let of_file = || self.size(&format!("{name}.weight"), 0);
        let classes = self.weights.free_sizes().map(|(_, classes)| classes).or_else(of_file).unwrap_or(1);
        let weight = self.tensor(&format!("{name}.weight"), &[classes, from.channels]);
        let bias = self.tensor(&format!("{name}.bias"), &[classes]);
        self.push(name, Operation::Linear(Linear { weight, bias }), &[from], classes)
    }

    /// The graph that ends in `logits`, or everything in which the weights do not fit.
    pub(crate) fn finish(mut self, model: &str, logits: Value) -> Result<Graph, NetworkError> {
        let extra = self.weights.names(&self.prefix).filter(|name| !self.used.contains(*name));
        self.mistakes.extra = extra.map(str::to_owned).collect();
        if !self.mistakes.is_empty() {
            let (file, model) = (self.weights.file().to_owned(), model.to_owned());
            return Err(NetworkError::Unfitting { file, model, mistakes: Box::new(self.mistakes) });
        }
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        Ok(Graph::new(self.nodes, self.channels, logits.channels))
    }

    fn push(&mut self, name: &str, operation: Operation, from: &[Value], channels: i64) -> Value {
        let inputs = from.iter().map(|value| value.id).collect();
        self.nodes.push(Node { name: name.to_owned(), operation, inputs });
        Value { id: self.nodes.len() - 1, channels }
    }

    /// As `push`; where the operation could not be made, the building goes on with its input.
    fn push_if(&mut self, name: &str, operation: Option<Operation>, from: &[Value], channels: i64) -> Value {
        match operation {
            Some(operation) => self.push(name, operation, from, channels),
            None => Value { id: from[0].id, channels },
        }
    }

    /// The tensor `name`, which must have `shape`; what does not fit is noted and zeros stand in for it.
    fn tensor(&mut self, name: &str, shape: &[i64]) -> Tensor {
        self.used.insert(name.to_owned());
        let full = format!("{}{name}", self.prefix);
        match self.weights.shape(&full, shape) {
            None => self.mistakes.missing.push(name.to_owned()),
            Some(found) if found != shape => {
                self.mistakes.misshapen.push(format!("{name} {found:?} instead of {shape:?}"));
            }
            Some(_) => {
                if let Some(tensor) = self.noted(|builder| builder.loaded(name, &full, shape)) {
                    return tensor;
                }
            }
        }
        Tensor::f_zeros(shape, (self.placed.1, Device::Cpu)).unwrap_or_default()
    }

    fn loaded(&mut self, name: &str, full: &str, shape: &[i64]) -> Result<Tensor, NetworkError> {
        let tensor = self.weights.tensor(full, shape)?;
        let finite = tensor.f_isfinite()?.f_all()?.f_int64_value(&[])?;
        if finite == 0 {
            self.mistakes.not_finite.push(name.to_owned());
        }
        let (device, kind) = self.placed;
        Ok(tensor.f_to_kind(kind)?.f_to_device(device)?)
    }

    /// The result of `act`; the first failure is kept and told at the end.
    fn noted<T, E: Into<NetworkError>>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, E>) -> Option<T> {
        match act(self) {
            Ok(value) => Some(value),
            Err(error) => {
                self.failure.get_or_insert(error.into());
                None
            }
        }
    }

    /// Size of dimension `dimension` of the tensor `name`, if the file has it.
    fn size(&self, name: &str, dimension: usize) -> Option<i64> {
        self.weights.shape(&format!("{}{name}", self.prefix), &[])?.get(dimension).copied()
    }
}
