//! The backward pass: from a gradient of the logits to one of the images, by one rule per operation.

use tch::{TchError, Tensor};

use super::forward::Kept;
use super::{Graph, Node, Operation, Trace};

/// What a backward pass does at the operations where attribution methods differ.
pub trait Rule {
    /// Gradient of a ReLU's input, from that of its output; `positive` says where the input was.
    /// All three are of one shape.
    fn relu(&self, gradient: &Tensor, positive: &Tensor) -> Result<Tensor, TchError>;
}

/// The plain gradient.
#[derive(Clone, Copy, Debug)]
pub struct Gradient;

impl Rule for Gradient {
    fn relu(&self, gradient: &Tensor, positive: &Tensor) -> Result<Tensor, TchError> {
        gradient.f_mul(positive)
    }
}

impl Graph {
    /// Gradient `[n, channels, h, w]` of the images of `trace`, from `gradient` `[n, classes]` of its
    /// logits, by `rule`. Weights never get a gradient.
    pub fn backward(&self, trace: &Trace, gradient: &Tensor, rule: &dyn Rule) -> Result<Tensor, TchError> {
        let mut gradients: Vec<Option<Tensor>> = self.nodes.iter().map(|_| None).collect();
        if let Some(last) = gradients.last_mut() {
            *last = Some(gradient.shallow_clone());
        }
        for (id, node) in self.nodes.iter().enumerate().rev() {
            let Some(gradient) = gradients[id].take() else { continue };
            if matches!(node.operation, Operation::Input) {
                return Ok(gradient);
            }
            let of_input = step(node, &trace.kept[id], gradient, rule)?;
            for &input in &node.inputs {
                let sum = match gradients[input].take() {
                    Some(earlier) => earlier.f_add(&of_input)?,
                    None => of_input.shallow_clone(),
                };
                gradients[input] = Some(sum);
            }
        }
        Err(TchError::Shape("the logits do not depend on the images".to_owned()))
    }

    /// The gradient of the logits that selects `targets` `[n]`: one there, zero elsewhere.
    pub fn select(&self, logits: &Tensor, targets: &Tensor) -> Result<Tensor, TchError> {
        let index = targets.f_view([-1, 1])?;
        logits.f_zeros_like()?.f_scatter_value(1, &index, 1.0)
    }
}

/// The gradient of each input of `node`: all operations with several inputs pass the same to each.
fn step(node: &Node, kept: &Kept, gradient: Tensor, rule: &dyn Rule) -> Result<Tensor, TchError> {
    match (&node.operation, kept) {
        (Operation::Convolution(convolution), Kept::Size(size)) => convolution.input_gradient(&gradient, *size),
        (Operation::BatchNorm(norm), _) => gradient.f_mul(&norm.scale),
        (Operation::Relu, Kept::Positive(positive)) => rule.relu(&gradient, positive),
        (Operation::MaxPool(pool), Kept::Winners(winners, [height, width])) => {
            let (n, c, _, _) = gradient.size4()?;
            // libtorch asks for the pooling's input but reads its shape only: these pages are never touched.
            let shape = Tensor::f_empty([n, c, *height, *width], (gradient.f_kind()?, gradient.device()))?;
            let (kernel, stride, padding) = ([pool.kernel; 2], [pool.stride; 2], [pool.padding; 2]);
            shape.f_max_pool2d_with_indices_backward(&gradient, kernel, stride, padding, [1, 1], false, winners)
        }
        (Operation::GlobalAveragePool, Kept::Size([height, width])) => {
            let (n, c) = gradient.size2()?;
            let share = gradient.f_div_scalar(height * width)?.f_view([n, c, 1, 1])?;
            share.f_expand([n, c, *height, *width], false)
        }
        (Operation::Linear(linear), _) => gradient.f_matmul(&linear.weight),
        (Operation::Add, _) => Ok(gradient),
        (operation, _) => Err(TchError::Shape(format!("no trace of `{}`: {operation:?}", node.name))),
    }
}
