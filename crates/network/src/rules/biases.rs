//! Gradients at the biases of a network: what of a logit no pixel accounts for.

use std::cell::RefCell;

use tch::{Kind, TchError, Tensor};

use crate::graph::{Gradient, Graph, Operation};
use crate::operations::{BatchNorm, Convolution, Linear};

impl Graph {
    /// The plain gradient `[n, c, h, w]` of the logits `targets` `[n]` at `images`. `visit` is handed the gradient at the output of
    /// every layer with a bias, times the bias: `[n, c, h, w]` of pictures however they lie in the network, `[n, .., c]` of rows; from the
    /// last layer to the first, on the plain graph. On a network of ReLUs all of these and the gradient times the image sum to the logit.
    pub fn bias_gradients(
        &self,
        images: &Tensor,
        targets: &Tensor,
        visit: impl FnMut(&Tensor) -> Result<(), TchError>,
    ) -> Result<Tensor, TchError> {
        let (visit, rule) = (RefCell::new(visit), Gradient);
        let trace = self.outline(images)?;
        let seed = self.select(trace.logits(), targets)?;
        let back = self.back(&trace, None, &rule);
        let gradient = self.walk(&self.enter(&seed)?, 0, |id, come, sums| {
            if let Some(bias) = bias(self.nodes[id].operation.as_ref())? {
                let gradient = come.whole()?;
                // A fully connected layer has its channels last, also on a picture (ConvNeXt, Swin).
                let is_linear = self.nodes[id].operation.as_a::<Linear>().is_some();
                let shape = if gradient.dim() == 4 && !is_linear { [1, -1, 1, 1].as_slice() } else { &[-1] };
                let terms = gradient.f_mul(&bias.f_to_kind(gradient.f_kind()?)?.f_view(shape)?)?;
                let terms = match terms.dim() {
                    4 if is_linear && self.has_channels_last(&trace, id) => terms.f_permute([0, 3, 1, 2])?,
                    4 if is_linear => terms.f_flatten(1, 2)?,
                    _ => terms,
                };
                (visit.borrow_mut())(&self.leave(terms)?)?;
            }
            back(id, come, sums)
        })?;
        self.leave(gradient)
    }
}

/// Bias `[c]` that `operation` adds to each channel whatever its input is.
fn bias(operation: &dyn Operation) -> Result<Option<Tensor>, TchError> {
    let own = |bias: &Option<Tensor>| bias.as_ref().map(Tensor::shallow_clone);
    if let Some(convolution) = operation.as_a::<Convolution>() {
        return Ok(own(&convolution.bias));
    }
    if let Some(linear) = operation.as_a::<Linear>() {
        return Ok(own(&linear.bias));
    }
    let Some(norm) = operation.as_a::<BatchNorm>() else { return Ok(None) };
    let shift = norm.mean.f_to_kind(Kind::Double)?.f_mul(&norm.scale()?)?;
    Ok(Some(norm.bias.f_to_kind(Kind::Double)?.f_sub(&shift)?))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tch::{Device, Kind, Tensor};

    use crate::Weights;
    use crate::graph::{Graph, Images, Node, Operation, Shape};
    use crate::models::load;
    use crate::operations::{Linear, Permute, Relu, Reshape};

    /// Four channels of 4 x 3 pixels: a bias of four numbers would fit to the rows, too.
    #[test]
    fn a_bias_belongs_to_the_channels_where_these_are_the_last_dimension() {
        let wave = |count: i64, step: f64| (Tensor::arange(count, (Kind::Double, Device::Cpu)) * step).sin();
        let first = Linear { weight: wave(8, 0.7).view([4, 2]), bias: Some(wave(4, 1.3)) };
        let last = Linear { weight: wave(96, 0.31).view([2, 48]), bias: None };
        let [there, back] = [[0, 2, 3, 1], [0, 3, 1, 2]].map(|order| Permute { order: order.to_vec() });
        let operations: [Rc<dyn Operation>; 7] = [
            Rc::new(Images),
            Rc::new(there),
            Rc::new(first),
            Rc::new(Relu { functional: false }),
            Rc::new(back),
            Rc::new(Reshape::flat()),
            Rc::new(last),
        ];
        let node = |(id, operation): (usize, Rc<dyn Operation>)| Node {
            name: id.to_string(),
            operation,
            inputs: id.checked_sub(1).into_iter().collect(),
        };
        let nodes = operations.into_iter().enumerate().map(node).collect();
        let graph = Graph::new(nodes, Shape { channels: 2, classes: 2, size: None, narrow: None });
        let (images, targets) = (wave(48, 0.37).view([2, 2, 4, 3]), Tensor::from_slice(&[1_i64, 0]));
        let mut sum = Tensor::zeros([2], (Kind::Double, Device::Cpu));
        let gradient = graph.bias_gradients(&images, &targets, |term| {
            assert_eq!(term.size(), [2, 4, 4, 3]);
            sum += term.flatten(1, -1).sum_dim_intlist([1_i64].as_slice(), false, Kind::Double);
            Ok(())
        });
        sum += (gradient.unwrap() * &images).sum_dim_intlist([1_i64, 2, 3].as_slice(), false, Kind::Double);
        let logits = graph.forward(&images).unwrap().gather(1, &targets.unsqueeze(1), false).squeeze_dim(1);
        assert!((sum - logits).abs().max().double_value(&[]) < 1e-12);
    }

    /// Srinivas and Fleuret 2019, proposition 1. Values of max pools pass biases as they are.
    #[test]
    fn the_terms_of_images_and_biases_sum_to_the_logit() {
        for name in ["resnet18", "vgg11_bn", "densenet121"] {
            let graph = load(name, &Weights::random(3, 5), (Device::Cpu, Kind::Double)).unwrap();
            let images =
                (Tensor::arange(2 * 3 * 32 * 32, (Kind::Double, Device::Cpu)) * 0.37).sin().view([2, 3, 32, 32]);
            let (mut sum, mut terms) = (Tensor::zeros([2], (Kind::Double, Device::Cpu)), 0);
            let targets = Tensor::from_slice(&[1_i64, 3]);
            let gradient = graph.bias_gradients(&images, &targets, |term| {
                sum += term.flatten(1, -1).sum_dim_intlist([1_i64].as_slice(), false, Kind::Double);
                terms += 1;
                Ok(())
            });
            sum += (gradient.unwrap() * &images).sum_dim_intlist([1_i64, 2, 3].as_slice(), false, Kind::Double);
            let logits = graph.forward(&images).unwrap().gather(1, &targets.unsqueeze(1), false).squeeze_dim(1);
            let error = ((&sum - &logits) / &logits).abs().max().double_value(&[]);
            assert!(error < 1e-10, "{name}: {error}");
            assert!(terms > 8, "{name}");
        }
    }
}
