//! Gradients at the biases of a network: what of a logit no pixel accounts for.

use std::cell::RefCell;

use tch::{Kind, TchError, Tensor};

use crate::graph::{Gradient, Graph, Operation};
use crate::operations::{BatchNorm, Convolution, Linear};

impl Graph {
    /// The plain gradient `[n, c, h, w]` of the logits `targets` `[n]` at `images`. `visit` is handed the gradient at the output of
    /// every layer with a bias, times the bias: `[n, c, h, w]` of pictures, `[.., c]` of rows; from the last layer to the first, on the
    /// plain graph. On a network of ReLUs all of these and the gradient times the image sum to the logit.
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
        let gradient = self.walk(&self.enter(&seed)?, 0, |id, gradient, sums| {
            if let Some(bias) = bias(self.nodes[id].operation.as_ref())? {
                let shape = if gradient.dim() == 4 { [1, -1, 1, 1].as_slice() } else { &[-1] };
                let terms = gradient.f_mul(&bias.f_to_kind(gradient.f_kind()?)?.f_view(shape)?)?;
                (visit.borrow_mut())(&self.leave(terms)?)?;
            }
            back(id, gradient, sums)
        })?;
        self.leave(gradient)
    }
}

/// What `operation` adds to each channel whatever its input is, `[c]`.
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
    use tch::{Device, Kind, Tensor};

    use crate::Weights;
    use crate::models::load;

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
