//! Weights drawn anew: a model some of whose layers have lost what they learned (Adebayo et al. 2018).

use std::rc::Rc;

use tch::{TchError, Tensor};

use crate::graph::{Graph, Node, Operation};
use crate::operations::{BatchNorm, Convolution, Linear, Norm};

/// Choice of layers: whether layer number n, from the input on, of so many layers with weights is drawn anew.
type IsDrawn<'a> = &'a dyn Fn(usize, usize) -> bool;

/// Source of the second number of numbers between -1 and 1, for the layer whose number comes first.
type Numbers<'a> = &'a dyn Fn(usize, usize) -> Vec<f32>;

impl Graph {
    /// The graph with the layers drawn anew that `is_drawn` chooses, as `PyTorch` initialises layers: weights and biases of convolutions and
    /// linear layers are `numbers` divided by the root of the number of inputs of a unit; normalisations neither scale nor shift, and
    /// running statistics are 0 and 1. Other operations, such as the positions of tokens, stay as they are. The graph shares
    /// what stays with the one that it is made of.
    pub fn randomised(&self, is_drawn: IsDrawn<'_>, numbers: Numbers<'_>) -> Result<Self, TchError> {
        let learned: Vec<usize> = (0..self.nodes.len()).filter(|id| has_weights(&self.nodes[*id])).collect();
        let node = |(id, node): (usize, &Node)| {
            let at = learned.iter().position(|layer| *layer == id).filter(|at| is_drawn(*at, learned.len()));
            let operation = match at {
                Some(at) => drawn(node, &|count| numbers(at, count))?,
                None => Rc::clone(&node.operation),
            };
            Ok(Node { name: node.name.clone(), operation, inputs: node.inputs.clone() })
        };
        let nodes = self.nodes.iter().enumerate().map(node).collect::<Result<Vec<_>, TchError>>()?;
        crate::devices::lower(Self::new(nodes, self.shape))
    }
}

/// Whether `node` is a layer that is drawn anew.
fn has_weights(node: &Node) -> bool {
    let operation = &node.operation;
    let has_factors = operation.as_a::<Norm>().is_some_and(|norm| norm.weight.is_some());
    operation.as_a::<Convolution>().is_some()
        || operation.as_a::<Linear>().is_some()
        || operation.as_a::<BatchNorm>().is_some()
        || has_factors
}

/// Operation of `node` with weights of `numbers`.
fn drawn(node: &Node, numbers: &dyn Fn(usize) -> Vec<f32>) -> Result<Rc<dyn Operation>, TchError> {
    let operation = &node.operation;
    if let Some(found) = operation.as_a::<Convolution>() {
        let (weight, bias) = initial(&found.weight, found.bias.as_ref(), numbers)?;
        return Ok(Rc::new(Convolution::new(weight, bias, found.geometry)?));
    }
    if let Some(found) = operation.as_a::<Linear>() {
        let (weight, bias) = initial(&found.weight, found.bias.as_ref(), numbers)?;
        return Ok(Rc::new(Linear { weight, bias }));
    }
    if let Some(found) = operation.as_a::<BatchNorm>() {
        let (ones, zeros) = (|like: &Tensor| like.f_ones_like(), |like: &Tensor| like.f_zeros_like());
        let parts = [ones(&found.weight)?, zeros(&found.bias)?, zeros(&found.mean)?, ones(&found.variance)?];
        return Ok(Rc::new(BatchNorm::new(parts, found.eps)?));
    }
    if let Some(found) = operation.as_a::<Norm>() {
        let weight = found.weight.as_ref().map(Tensor::f_ones_like).transpose()?;
        let bias = found.bias.as_ref().map(Tensor::f_zeros_like).transpose()?;
        return Ok(Rc::new(Norm { over: found.over.clone(), weight, bias, eps: found.eps }));
    }
    Ok(Rc::clone(operation))
}

/// Weight `[out, in, ..]` and bias `[out]` as `PyTorch` begins with them: uniform in `1 / sqrt(inputs of a unit)` on both sides of 0.
fn initial(
    weight: &Tensor,
    bias: Option<&Tensor>,
    numbers: &dyn Fn(usize) -> Vec<f32>,
) -> Result<(Tensor, Option<Tensor>), TchError> {
    let inputs: i64 = weight.size().iter().skip(1).product();
    let bound = 1.0 / (inputs.max(1) as f64).sqrt();
    let all = numbers(weight.numel() + bias.map_or(0, Tensor::numel));
    let (own, rest) = all.split_at(weight.numel());
    let like = |values: &[f32], like: &Tensor| {
        let values = Tensor::f_from_slice(values)?.f_view(like.size().as_slice())?.f_mul_scalar(bound)?;
        values.f_to_device(like.device())?.f_to_kind(like.f_kind()?)
    };
    Ok((like(own, weight)?, bias.map(|bias| like(rest, bias)).transpose()?))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tch::{Device, Kind};

    use super::*;
    use crate::{Weights, models};

    fn logits(graph: &Graph, images: &Tensor) -> Tensor {
        graph.forward(images).unwrap()
    }

    #[test]
    fn a_model_none_of_whose_layers_is_drawn_is_the_model_and_one_with_all_drawn_does_not_depend_on_its_weights() {
        tch::manual_seed(0);
        let open = || models::load("lenet", &Weights::random(1, 10), (Device::Cpu, Kind::Float)).unwrap();
        let (one, other) = (open(), open());
        let images = Tensor::rand([2, 1, 28, 28], (Kind::Float, Device::Cpu));
        let numbers = |at: usize, count: usize| (0..count).map(|i| ((i * 7 + at) % 13) as f32 / 6.0 - 1.0).collect();
        let same = one.randomised(&|_, _| false, &numbers).unwrap();
        assert!(logits(&same, &images).equal(&logits(&one, &images)));
        let [one, other] = [&one, &other].map(|graph| graph.randomised(&|_, _| true, &numbers).unwrap());
        assert!(logits(&one, &images).equal(&logits(&other, &images)));
        assert!(logits(&one, &images).std(false).double_value(&[]) > 0.0);
    }

    /// Two convolutions with their norms, three linear layers: from the input on.
    #[test]
    fn each_layer_with_weights_is_asked_for_once_and_its_numbers_are_divided_by_the_root_of_its_inputs() {
        tch::manual_seed(0);
        let graph = models::load("lenet", &Weights::random(1, 10), (Device::Cpu, Kind::Float)).unwrap();
        let asked = RefCell::new(Vec::new());
        let numbers = |at: usize, count: usize| {
            asked.borrow_mut().push((at, count));
            vec![1.0; count]
        };
        let drawn = graph.randomised(&|_, layers| layers == 7, &numbers).unwrap();
        let linear = 32 * 7 * 7 * 128 + 128;
        let wanted = [(0, 16 * 9 + 16), (2, 32 * 16 * 9 + 32), (4, linear), (5, 128 * 64 + 64), (6, 64 * 10 + 10)];
        assert_eq!(*asked.borrow(), wanted);
        let first = drawn.nodes.iter().find_map(|node| node.operation.as_a::<Convolution>()).unwrap();
        // A unit of the first convolution has 9 inputs.
        assert!((first.weight.double_value(&[0, 0, 0, 0]) - 1.0 / 3.0).abs() < 1e-6);
    }
}
