//! The end of a graph: logits from the value of a layer, for methods that change the value and not the images.

use tch::{Kind, TchError, Tensor};

use super::tokens::Tokens;
use crate::graph::lowered::purpose::Keep;
use crate::graph::operation::spatial::Layout;
use crate::graph::{Graph, Id, Layer};

/// Operations that follow on a layer, for one batch of images.
#[derive(Debug)]
pub struct Tail<'a> {
    graph: &'a Graph,
    layer: Id,
    images: i64,
    /// Value of the layer, as it lies in the network.
    value: Tensor,
    /// Whether each value depends on the value of the layer.
    behind: Vec<bool>,
    /// Values of the images beside the layer that operations behind it read.
    beside: Vec<Option<Tensor>>,
    /// Whether each value comes from the model alone and is made again, as its number of rows depends on the number of images.
    again: Vec<bool>,
    is_last: bool,
    tokens: Option<Tokens>,
}

impl Graph {
    /// Operations that follow on `layer` for `images`, on the plain graph.
    pub fn tail(&self, images: &Tensor, Layer(layer): Layer) -> Result<Tail<'_>, TchError> {
        let outline = self.outline(&images.f_narrow(0, 0, 1)?)?;
        let mut behind = vec![false; self.nodes.len()];
        for id in layer..self.nodes.len() {
            behind[id] = id == layer || self.nodes[id].inputs.iter().any(|&input| behind[input]);
        }
        let again = self.of_model_alone(|id| behind[id] && id != layer);
        let read_behind = |value: Id| {
            let reads = |id: Id| behind[id] && id != layer && self.nodes[id].inputs.contains(&value);
            !behind[value] && !again[value] && (value..self.nodes.len()).any(reads)
        };
        let (mut values, count) = (Vec::with_capacity(self.nodes.len()), images.size()[0]);
        for (id, &is_behind) in behind.iter().enumerate() {
            let value = match id {
                0 => Some(self.enter(images)?),
                _ if is_behind && id != layer => None,
                _ => Some(self.step(id, &values, (Keep::Logits, count))?.0),
            };
            values.push(value);
            for &input in self.nodes[id].inputs.iter().filter(|&&input| self.last_use[input] == id && id <= layer) {
                values[input] = values[input].take().filter(|_| read_behind(input));
            }
        }
        let gone = || TchError::Shape(format!("`{}` has no value", self.nodes[layer].name));
        let value = values[layer].take().ok_or_else(gone)?;
        let is_last = self.layouts(&outline)[layer] == Some(Layout::ChannelsLast);
        let tokens = self.tokens(&outline, layer);
        for (value, _) in values.iter_mut().zip(&again).filter(|(_, again)| **again) {
            *value = None;
        }
        Ok(Tail { graph: self, layer, images: count, value, behind, beside: values, again, is_last, tokens })
    }

    /// Whether each value does not depend on the images, and is read, directly or not, by a value for which `is_read_by` holds.
    fn of_model_alone(&self, is_read_by: impl Fn(Id) -> bool) -> Vec<bool> {
        let mut of_images = vec![false; self.nodes.len()];
        for id in 0..self.nodes.len() {
            of_images[id] = id == 0 || self.nodes[id].inputs.iter().any(|&input| of_images[input]);
        }
        let mut found = vec![false; self.nodes.len()];
        for id in (0..self.nodes.len()).rev() {
            if is_read_by(id) || found[id] {
                self.nodes[id].inputs.iter().filter(|&&input| !of_images[input]).for_each(|&input| found[input] = true);
            }
        }
        found
    }
}

impl Tail<'_> {
    /// Value of the layer as a picture `[n, c, h, w]`.
    pub fn picture(&self) -> Result<Tensor, TchError> {
        let value = self.graph.leave(self.value.shallow_clone())?;
        match self.tokens {
            Some(tokens) => tokens.picture(&value),
            None if self.is_last => value.f_permute([0, 3, 1, 2]),
            None => Ok(value),
        }
    }

    /// Logits `[n, classes]` of the images as they are.
    pub fn logits(&self) -> Result<Tensor, TchError> {
        self.logits_from(self.value.f_mul_scalar(1.0)?, 1)
    }

    /// Logits `[n, classes]` where the layer is zero.
    pub fn logits_of_zeros(&self) -> Result<Tensor, TchError> {
        self.logits_from(self.value.f_zeros_like()?, 1)
    }

    /// Logits `[m n, classes]` of all images, once with each of the `channels` of the layer set to zero: of tokens, all of them.
    pub fn logits_without(&self, channels: &[i64]) -> Result<Tensor, TchError> {
        let dim = if self.is_last || self.tokens.is_some() { self.value.dim() - 1 } else { 1 };
        let without = channels.iter().map(|&channel| {
            let mut shape = vec![1; self.value.dim()];
            shape[dim] = self.value.size()[dim];
            let all = Tensor::f_arange(shape[dim], (Kind::Int64, self.value.device()))?;
            let kept = all.f_ne(channel)?.f_to_kind(self.value.f_kind()?)?.f_view(shape.as_slice())?;
            self.value.f_mul(&kept)
        });
        let values = without.collect::<Result<Vec<_>, TchError>>()?;
        self.logits_from(Tensor::f_cat(&values, 0)?, channels.len() as i64)
    }

    /// Logits from values of the layer for `count` variations of every image.
    fn logits_from(&self, value: Tensor, count: i64) -> Result<Tensor, TchError> {
        let mut values: Vec<Option<Tensor>> = Vec::with_capacity(self.beside.len());
        for value in &self.beside {
            values.push(value.as_ref().map(|value| self.repeated(value, count)).transpose()?);
        }
        values[self.layer] = Some(value);
        for id in (0..values.len()).filter(|&id| self.again[id] || (self.behind[id] && id != self.layer)) {
            let (value, _) = self.graph.step(id, &values, (Keep::Logits, self.images * count))?;
            values[id] = Some(value);
            for &input in &self.graph.nodes[id].inputs {
                if self.graph.last_use[input] == id {
                    values[input] = None;
                }
            }
        }
        let logits = values.pop().flatten();
        let apart = || TchError::Shape(format!("the logits do not depend on `{}`", self.graph.nodes[self.layer].name));
        self.graph.leave(logits.ok_or_else(apart)?)
    }

    /// `value` of every image, `count` times. It is a copy also for once: a sum may overwrite its first term.
    fn repeated(&self, value: &Tensor, count: i64) -> Result<Tensor, TchError> {
        let rows = value.size().first().copied().unwrap_or(1);
        if rows % self.images != 0 {
            return Ok(value.shallow_clone());
        }
        let mut times = vec![1; value.dim()];
        times[0] = count;
        value.f_repeat(times)
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tch::{Device, Kind, Tensor};

    use crate::Weights;
    use crate::graph::{Constant, Graph, Images, Node, Operation, Shape};
    use crate::models::load;
    use crate::operations::{Add, Linear, Reshape};

    fn wave(shape: &[i64], step: f64) -> Tensor {
        (Tensor::arange(shape.iter().product::<i64>(), (Kind::Double, Device::Cpu)) * step).sin().view(shape)
    }

    /// A shortcut is the first term of a sum, which sums overwrite, and a constant has no dimension for images.
    #[test]
    fn what_is_beside_a_layer_stays_as_it_is_and_a_constant_is_one_for_all_images_also_for_one() {
        let [shortcut, layer, last] = [0.7, 0.9, 1.1].map(|step| wave(&[4, 4], step));
        let constant = wave(&[4], 1.7);
        let linear = |weight: &Tensor| Rc::new(Linear { weight: weight.shallow_clone(), bias: None });
        let node = |name: &str, operation: Rc<dyn Operation>, inputs: &[usize]| Node {
            name: name.to_owned(),
            operation,
            inputs: inputs.to_vec(),
        };
        let nodes = vec![
            node("images", Rc::new(Images), &[]),
            node("flat", Rc::new(Reshape::flat()), &[0]),
            node("shortcut", linear(&shortcut), &[1]),
            node("layer", linear(&layer), &[1]),
            node("sum", Rc::new(Add), &[2, 3]),
            node("constant", Rc::new(Constant(constant.shallow_clone())), &[]),
            node("moved", Rc::new(Add), &[4, 5]),
            node("last", linear(&last), &[6]),
        ];
        let graph = Graph::new(nodes, Shape { channels: 2, classes: 4, size: None, narrow: None });
        for images in [1, 2, 4] {
            let x = wave(&[images, 2, 1, 2], 0.37);
            let tail = graph.tail(&x, graph.layer("layer").unwrap()).unwrap();
            let flat = x.view([images, 4]);
            let expected = |channel: Option<i64>| {
                let value = flat.matmul(&layer.transpose(0, 1));
                if let Some(channel) = channel {
                    let _ = value.narrow(1, channel, 1).fill_(0.0);
                }
                (flat.matmul(&shortcut.transpose(0, 1)) + value + &constant).matmul(&last.transpose(0, 1))
            };
            let off = |found: Tensor, expected: Tensor| (found - expected).abs().max().double_value(&[]);
            for _ in 0..3 {
                assert!(off(tail.logits().unwrap(), expected(None)) < 1e-12, "{images} images");
                let without = tail.logits_without(&[2]).unwrap();
                assert!(off(without, expected(Some(2))) < 1e-12, "{images} images, one channel");
            }
            let without = tail.logits_without(&[3, 0, 1]).unwrap();
            for (at, channel) in [3, 0, 1].into_iter().enumerate() {
                let found = without.narrow(0, at as i64 * images, images);
                assert!(off(found, expected(Some(channel))) < 1e-12, "{images} images, channel {channel}");
            }
        }
    }

    #[test]
    fn the_tail_of_every_layer_ends_in_the_logits_of_the_whole_graph() {
        for (name, layers) in [
            ("resnet18", ["conv1", "layer1.0.conv1", "layer3"]),
            ("densenet121", ["features.conv0", "features.denseblock2.denselayer2", "features.norm5"]),
            ("vit_cifar", ["conv_proj", "encoder.layers.encoder_layer_2.ln_1", "encoder.layers.encoder_layer_5"]),
        ] {
            let graph = load(name, &Weights::random(3, 5), (Device::Cpu, Kind::Double)).unwrap();
            let [height, width] = graph.size().unwrap_or([32; 2]);
            let images = (Tensor::arange(2 * 3 * height * width, (Kind::Double, Device::Cpu)) * 0.37).sin();
            let images = images.view([2, 3, height, width]);
            let expected = graph.forward(&images).unwrap();
            for layer in layers {
                let tail = graph.tail(&images, graph.layer(layer).unwrap()).unwrap();
                let off = |logits: &Tensor| (logits - &expected).abs().max().double_value(&[]);
                assert!(off(&tail.logits().unwrap()) < 1e-10, "{name} {layer}");
                // One channel less, and the value is as it was for the next. A ReLU behind the layer hides each channel with a chance of
                // a half, weights are drawn: of 23 channels less than two are seen once in 300,000 times.
                let channels: Vec<i64> = (0..24).chain([0]).collect();
                let without = tail.logits_without(&channels).unwrap();
                assert_eq!(without.size(), [50, 5]);
                assert!((without.narrow(0, 0, 2) - without.narrow(0, 48, 2)).abs().max().double_value(&[]) < 1e-10);
                let moves = (1..24).filter(|channel| off(&without.narrow(0, 2 * channel, 2)) > 1e-12).count();
                assert!(moves >= 2, "{name} {layer}: {moves} of 23 channels make a difference");
                assert!(off(&tail.logits().unwrap()) < 1e-10, "{name} {layer}, again");
            }
        }
    }
}
