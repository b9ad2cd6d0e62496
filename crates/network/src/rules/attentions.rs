//! The attentions of a transformer: what each token looks at, and the gradient of the logits there.

use std::cell::RefCell;

use tch::{TchError, Tensor};

use crate::graph::{Gradient, Graph, Trace};
use crate::operations::Attention;

/// Places of the patches of an image among the tokens of attentions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patches {
    /// Number of tokens before the tokens of patches: the first of them is the class, if the model has a token for the class.
    pub before: i64,
    /// Rows and columns of patches.
    pub grid: [i64; 2],
    /// Number of attentions.
    pub attentions: usize,
}

impl Graph {
    /// Places of the patches, if every attention in `trace`, of [`Graph::outline`], is over all patches of an image: an
    /// attention over windows is not.
    pub fn patches(&self, trace: &Trace) -> Option<Patches> {
        let attentions = (0..self.nodes.len()).filter(|&id| self.nodes[id].operation.as_a::<Attention>().is_some());
        let mut found: Option<Patches> = None;
        for id in attentions {
            let &[rows, _, tokens, _] = trace.kept[id].output_shape.as_slice() else { return None };
            let (before, grid) = self.grid_before(trace, id, rows, tokens)?;
            let one = Patches { before, grid, attentions: 1 };
            match &mut found {
                None => found = Some(one),
                Some(all) if (all.before, all.grid) == (before, grid) => all.attentions += 1,
                Some(_) => return None,
            }
        }
        found
    }

    /// Hands to `visit` every attention of the pass of `images`, from the last to the first: its number, its weights
    /// `[n, heads, tokens, tokens]`, and the plain gradient of the logits `targets` `[n]` at these.
    pub fn visit_attentions(
        &self,
        images: &Tensor,
        targets: &Tensor,
        visit: impl FnMut(usize, &Tensor, &Tensor) -> Result<(), TchError>,
    ) -> Result<(), TchError> {
        let (visit, rule) = (RefCell::new(visit), Gradient);
        let trace = self.outline(images)?;
        let count = self.nodes.iter().filter(|node| node.operation.as_a::<Attention>().is_some()).count();
        let left = RefCell::new(count);
        let seed = self.select(trace.logits(), targets)?;
        let back = self.back(&trace, None, &rule);
        let _ = self.walk(&self.enter(&seed)?, 0, |id, come, sums| {
            if let Some(attention) = self.nodes[id].operation.as_a::<Attention>() {
                let kept = &trace.kept[id];
                *left.borrow_mut() -= 1;
                let weights = attention.weights(kept.tensor(0)?, kept.tensor(1)?)?;
                let of_weights = come.whole()?.f_matmul(&kept.tensor(2)?.f_transpose(-2, -1)?)?;
                (visit.borrow_mut())(*left.borrow(), &self.leave(weights)?, &self.leave(of_weights)?)?;
            }
            back(id, come, sums)
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use crate::Weights;
    use crate::models::load;

    /// The rows of a softmax sum to one, so that a change of all weights of a row by one factor is worth the sum of the products; and of
    /// the last attention nothing but the row of the class reaches the logits.
    #[test]
    fn attentions_come_from_the_last_to_the_first_with_their_gradients() {
        let graph = load("vit_cifar", &Weights::random(3, 5), (Device::Cpu, Kind::Double)).unwrap();
        let [height, width] = graph.size().unwrap();
        let images = (Tensor::arange(2 * 3 * height * width, (Kind::Double, Device::Cpu)) * 0.37).sin();
        let images = images.view([2, 3, height, width]);
        let trace = graph.outline(&images).unwrap();
        let patches = graph.patches(&trace).unwrap();
        let tokens = patches.before + patches.grid[0] * patches.grid[1];
        assert_eq!((patches.before, patches.attentions), (1, 6));
        let mut seen = Vec::new();
        graph
            .visit_attentions(&images, &Tensor::from_slice(&[1_i64, 2]), |number, weights, gradient| {
                assert_eq!(weights.size(), [2, 6, tokens, tokens]);
                let off = (weights.sum_dim_intlist([-1_i64].as_slice(), false, Kind::Double) - 1.0).abs().max();
                assert!(off.double_value(&[]) < 1e-12);
                if number == 5 {
                    assert_eq!(gradient.narrow(2, 1, tokens - 1).abs().max().double_value(&[]), 0.0);
                }
                assert!(gradient.abs().max().double_value(&[]) > 0.0);
                seen.push(number);
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, [5, 4, 3, 2, 1, 0]);
        let graph = load("resnet18", &Weights::random(3, 5), (Device::Cpu, Kind::Float)).unwrap();
        let trace = graph.outline(&Tensor::zeros([1, 3, 64, 64], (Kind::Float, Device::Cpu))).unwrap();
        assert_eq!(graph.patches(&trace), None);
    }
}
