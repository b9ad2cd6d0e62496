//! Building a graph from weights: names as PyTorch's modules have them, every mistake noted.

mod head;
mod layers;
mod others;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use tch::{Device, Kind, Tensor};

use crate::NetworkError;
use crate::error::Mistakes;
use crate::graph::{Graph, Id, Node, Operation, Shape, narrow, wide};
use crate::weights::Weights;

/// A value of the graph under construction.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    id: Id,
    channels: i64,
}

impl Value {
    /// Channels, or width behind the pooling.
    pub fn channels(self) -> i64 {
        self.channels
    }
}

/// Collects operations and their weights.
pub struct Builder<'a> {
    weights: &'a Weights,
    prefix: String,
    /// What stands before the same names elsewhere in the file.
    others: BTreeSet<String>,
    placed: (Device, Kind),
    /// Another name that a tensor may have in old files.
    alias: fn(&str) -> Option<String>,
    channels: i64,
    size: Option<[i64; 2]>,
    nodes: Vec<Node>,
    /// Names in the file of the tensors that have another name there.
    elsewhere: BTreeMap<String, String>,
    /// Tensors that have been read, as the file calls them.
    used: BTreeSet<String>,
    /// Sentences for a person on how the file was read.
    notes: Vec<String>,
    mistakes: Mistakes,
    failure: Option<NetworkError>,
}

impl<'a> Builder<'a> {
    /// Takes tensors of `weights` to a device and type. One of the `landmarks` is a tensor that every
    /// file of the architecture has: what stands before it in the file stands before all names.
    pub(crate) fn new(weights: &'a Weights, landmarks: &[&str], placed: (Device, Kind)) -> Result<Self, NetworkError> {
        let prefix = weights.prefix_of(landmarks)?;
        Ok(Self {
            weights,
            others: weights.other_prefixes(landmarks, &prefix),
            prefix,
            placed,
            alias: |_| None,
            channels: 0,
            size: None,
            nodes: Vec::new(),
            elsewhere: BTreeMap::new(),
            used: BTreeSet::new(),
            notes: Vec::new(),
            mistakes: Mistakes::default(),
            failure: None,
        })
    }

    /// Looks for tensors under another name too.
    pub fn also_known_as(&mut self, alias: fn(&str) -> Option<String>) {
        self.alias = alias;
    }

    /// Whether the file has a tensor called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.size(name, 0).is_some()
    }

    /// Size of dimension `dimension` of the tensor `name`, if the file has it.
    pub fn size(&self, name: &str, dimension: usize) -> Option<i64> {
        self.found(name, &[])?.1.get(dimension).copied()
    }

    /// Whether any shape is to be had, so that nothing can be read off the file.
    pub fn weights_are_random(&self) -> bool {
        self.weights.free_sizes().is_some()
    }

    /// The model takes square images of `side` pixels only, if that is known.
    pub fn fix_size(&mut self, side: Option<i64>) {
        self.size = side.map(|side| [side; 2]);
    }

    /// Names and shapes of all tensors of the file; none for random weights.
    pub fn tensors(&self) -> Vec<(String, Vec<i64>)> {
        let names = self.weights.names(&self.prefix);
        let shapes = names.filter_map(|name| Some((name.to_owned(), self.found(name, &[])?.1)));
        shapes.collect()
    }

    /// The graph that ends in `logits`, or everything in which the weights do not fit.
    pub(crate) fn finish(mut self, model: &str, logits: Value) -> Result<Graph, NetworkError> {
        self.notes.extend(self.of_several_sets());
        self.mistakes.extra = self.unread().iter().map(|name| name[self.prefix.len()..].to_owned()).collect();
        if let Some(failure @ NetworkError::Classes { .. }) = self.failure {
            return Err(failure);
        }
        if !self.mistakes.is_empty() {
            let (file, model) = (self.weights.file().to_owned(), model.to_owned());
            return Err(NetworkError::Unfitting { file, model, mistakes: Box::new(self.mistakes) });
        }
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let (size, narrow) = (self.size, narrow(self.placed.1));
        let shape = Shape { channels: self.channels, classes: logits.channels, size, narrow };
        Ok(crate::devices::lower(Graph::new(self.nodes, shape).noted(self.notes))?)
    }

    /// Tensors of the model's part of the file that nothing has read, as the file calls them, without those of other sets.
    fn unread(&self) -> Vec<String> {
        let others = self.sets_within();
        let names = self.weights.names(&self.prefix).map(|name| format!("{}{name}", self.prefix));
        let is_other = |name: &String| others.iter().any(|other| name.starts_with(other));
        names.filter(|name| !self.used.contains(name) && !is_other(name)).collect()
    }

    fn push(&mut self, name: &str, operation: impl Operation + 'static, from: &[Value], channels: i64) -> Value {
        let inputs = from.iter().map(|value| value.id).collect();
        self.nodes.push(Node { name: name.to_owned(), operation: Rc::new(operation), inputs });
        Value { id: self.nodes.len() - 1, channels }
    }

    /// Adds a node like `push`; where the operation could not be made, the building goes on with the operation's input.
    fn push_if(
        &mut self,
        name: &str,
        operation: Option<impl Operation + 'static>,
        from: Value,
        channels: i64,
    ) -> Value {
        match operation {
            Some(operation) => self.push(name, operation, &[from], channels),
            None => Value { id: from.id, channels },
        }
    }

    /// The tensor `name`, which must have `shape`; what does not fit is noted and zeros stand in for it.
    fn tensor(&mut self, name: &str, shape: &[i64]) -> Tensor {
        self.tensor_of(name, shape, self.placed.1)
    }

    /// The tensor in the type of images and logits: statistics lose too much in a narrower type.
    fn wide(&mut self, name: &str, shape: &[i64]) -> Tensor {
        self.tensor_of(name, shape, wide(self.placed.1))
    }

    fn tensor_of(&mut self, name: &str, shape: &[i64], kind: Kind) -> Tensor {
        match self.found(name, shape) {
            None => self.mistakes.missing.push(name.to_owned()),
            Some((known_as, found)) => {
                self.used.insert(known_as.clone());
                if found != shape {
                    self.mistakes.misshapen.push(format!("{name} {found:?} instead of {shape:?}"));
                } else if let Some(tensor) = self.noted(|builder| builder.loaded(&known_as, shape, kind)) {
                    return tensor;
                }
            }
        }
        // One zero seen many times: the shape may come from a tensor without any bytes.
        let zero = Tensor::f_zeros([1], (kind, Device::Cpu));
        zero.and_then(|zero| zero.f_expand(shape, false)).unwrap_or_default()
    }

    /// Name in the file of the tensor `name`, and the tensor's shape; random weights have the shape `wanted`.
    fn found(&self, name: &str, wanted: &[i64]) -> Option<(String, Vec<i64>)> {
        let own = |name| format!("{}{name}", self.prefix);
        let names = [self.elsewhere.get(name).cloned(), Some(own(name.to_owned())), (self.alias)(name).map(own)];
        let shape = |name: String| Some((self.weights.shape(&name, wanted)?, name));
        let (shape, name) = names.into_iter().flatten().find_map(shape)?;
        (self.weights.free_sizes().is_none() || !wanted.is_empty()).then_some((name, shape))
    }

    fn loaded(&mut self, name: &str, shape: &[i64], kind: Kind) -> Result<Tensor, NetworkError> {
        let tensor = self.weights.tensor(name, shape)?;
        let short = name.strip_prefix(&self.prefix).unwrap_or(name);
        if !tensor.is_floating_point() {
            self.mistakes.quantised.push(format!("{short} ({:?})", tensor.f_kind()?));
        }
        let finite = tensor.f_isfinite()?.f_all()?.f_int64_value(&[])?;
        if finite == 0 {
            self.mistakes.not_finite.push(short.to_owned());
        }
        Ok(tensor.f_to_kind(kind)?.f_to_device(self.placed.0)?)
    }

    /// The result of `act`; the first failure is kept and reported at the end.
    fn noted<T, E: Into<NetworkError>>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, E>) -> Option<T> {
        match act(self) {
            Ok(value) => Some(value),
            Err(error) => {
                self.failure.get_or_insert(error.into());
                None
            }
        }
    }
}
