//! The forward pass, and the trace of it that the backward pass needs.

use tch::{TchError, Tensor};

use super::{Graph, Id, Node, Operation};

/// One forward pass: its logits and what backward passes need of it, for any number of them.
///
/// Of a ReLU only the signs are kept (a byte a value), of a pooling the winners, of the others the
/// size of their input: a quarter of the activations' bytes.
#[derive(Debug)]
pub struct Trace {
    pub(super) logits: Tensor,
    pub(super) kept: Vec<Kept>,
}

/// What the backward pass needs of one operation.
#[derive(Debug)]
pub(super) enum Kept {
    Nothing,
    /// Height and width of the input.
    Size([i64; 2]),
    /// Where the input was positive.
    Positive(Tensor),
    /// Flat index of each window's winner, and the size of the input.
    Winners(Tensor, [i64; 2]),
}

impl Trace {
    /// `[n, classes]`.
    pub fn logits(&self) -> &Tensor {
        &self.logits
    }
}

impl Graph {
    /// Logits `[n, classes]` of `images` `[n, channels, h, w]`; nothing else is kept.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor, TchError> {
        self.run(images, |_| {})
    }

    /// As [`Graph::forward`], keeping what backward passes need.
    pub fn trace(&self, images: &Tensor) -> Result<Trace, TchError> {
        let mut kept = Vec::with_capacity(self.nodes.len());
        let logits = self.run(images, |of_node| kept.push(of_node))?;
        Ok(Trace { logits, kept })
    }

    fn run(&self, images: &Tensor, mut keep: impl FnMut(Kept)) -> Result<Tensor, TchError> {
        let mut values: Vec<Option<Tensor>> = Vec::with_capacity(self.nodes.len());
        for (id, node) in self.nodes.iter().enumerate() {
            let (value, kept) = match node.operation {
                Operation::Input => (images.shallow_clone(), Kept::Nothing),
                _ => self.apply(id, node, &mut values)?,
            };
            keep(kept);
            values.push(Some(value));
            for &input in &node.inputs {
                if self.last_use[input] == id {
                    values[input] = None;
                }
            }
        }
        values.pop().flatten().ok_or_else(|| TchError::Shape("the graph is empty".to_owned()))
    }

    fn apply(&self, id: Id, node: &Node, values: &mut [Option<Tensor>]) -> Result<(Tensor, Kept), TchError> {
        match &node.operation {
            Operation::Input => Err(TchError::Shape(format!("`{}` is fed by other values", node.name))),
            Operation::Convolution(convolution) => {
                let input = read(values, node, 0)?;
                Ok((convolution.forward(input)?, Kept::Size(area(input)?)))
            }
            Operation::BatchNorm(norm) => Ok((norm.forward(read(values, node, 0)?)?, Kept::Nothing)),
            Operation::Relu => {
                let output = match self.take(id, node, values) {
                    Some(mut input) => input.f_relu_()?,
                    None => read(values, node, 0)?.f_relu()?,
                };
                let positive = output.f_gt(0.0)?;
                Ok((output, Kept::Positive(positive)))
            }
            Operation::MaxPool(pool) => {
                let input = read(values, node, 0)?;
                let (kernel, stride, padding) = ([pool.kernel; 2], [pool.stride; 2], [pool.padding; 2]);
                let (output, winners) = input.f_max_pool2d_with_indices(kernel, stride, padding, [1, 1], false)?;
                Ok((output, Kept::Winners(winners, area(input)?)))
            }
            Operation::GlobalAveragePool => {
                let input = read(values, node, 0)?;
                let output = input.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?;
                Ok((output, Kept::Size(area(input)?)))
            }
            Operation::Linear(linear) => {
                let output = read(values, node, 0)?.f_linear(&linear.weight, Some(&linear.bias))?;
                Ok((output, Kept::Nothing))
            }
            Operation::Add => {
                let output = match self.take(id, node, values) {
                    Some(mut left) => left.f_add_(read(values, node, 1)?)?,
                    None => read(values, node, 0)?.f_add(read(values, node, 1)?)?,
                };
                Ok((output, Kept::Nothing))
            }
        }
    }

    /// The first input of `node`, to be overwritten: only if nobody reads it afterwards. Images are
    /// the caller's, and a batch norm may not be overwritten by its own second reader.
    fn take(&self, id: Id, node: &Node, values: &mut [Option<Tensor>]) -> Option<Tensor> {
        let &first = node.inputs.first()?;
        let owned = !matches!(self.nodes[first].operation, Operation::Input);
        let once = node.inputs.iter().filter(|input| **input == first).count() == 1;
        if owned && once && self.last_use[first] == id { values[first].take() } else { None }
    }
}

fn read<'a>(values: &'a [Option<Tensor>], node: &Node, input: usize) -> Result<&'a Tensor, TchError> {
    let value = node.inputs.get(input).and_then(|id| values.get(*id)).and_then(Option::as_ref);
    value.ok_or_else(|| TchError::Shape(format!("`{}` has no input {input}", node.name)))
}

fn area(tensor: &Tensor) -> Result<[i64; 2], TchError> {
    let (_, _, height, width) = tensor.size4()?;
    Ok([height, width])
}
