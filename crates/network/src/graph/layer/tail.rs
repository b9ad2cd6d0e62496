//! The end of a graph: logits from the value of a layer, for methods that change the value and not the images.

use tch::{Kind, TchError, Tensor};

use super::tokens::Tokens;
use crate::graph::lowered::purpose::Keep;
use crate::graph::operation::spatial::Layout;
use crate::graph::{Graph, Id, Layer};

/// What follows on a layer, for one batch of images.
#[derive(Debug)]
pub struct Tail<'a> {
    graph: &'a Graph,
    layer: Id,
    images: i64,
    /// Value of the layer, as it lies in the network.
    value: Tensor,
    /// For each value whether it depends on that of the layer.
    behind: Vec<bool>,
    /// Values beside the layer that operations behind it read.
    beside: Vec<Option<Tensor>>,
    is_last: bool,
    tokens: Option<Tokens>,
}

impl Graph {
    /// What follows on `layer` for `images`, on the plain graph.
    pub fn tail(&self, images: &Tensor, Layer(layer): Layer) -> Result<Tail<'_>, TchError> {
        let outline = self.outline(&images.f_narrow(0, 0, 1)?)?;
        let mut behind = vec![false; self.nodes.len()];
        for id in layer..self.nodes.len() {
            behind[id] = id == layer || self.nodes[id].inputs.iter().any(|&input| behind[input]);
        }
        let read_behind = |value: Id| {
            let reads = |id: Id| behind[id] && id != layer && self.nodes[id].inputs.contains(&value);
            !behind[value] && (value..self.nodes.len()).any(reads)
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
        Ok(Tail { graph: self, layer, images: count, value, behind, beside: values, is_last, tokens })
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
        for id in (self.layer + 1..values.len()).filter(|id| self.behind[*id]) {
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

    /// `value` of every image, `count` times; what is one for all images stays one.
    fn repeated(&self, value: &Tensor, count: i64) -> Result<Tensor, TchError> {
        let rows = value.size().first().copied().unwrap_or(1);
        if count == 1 || rows % self.images != 0 || (rows == 1 && self.images > 1) {
            return Ok(value.shallow_clone());
        }
        let mut times = vec![1; value.dim()];
        times[0] = count;
        value.f_repeat(times)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use crate::Weights;
    use crate::models::load;

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
                // One channel less, and the value is as it was for the next. A ReLU behind the layer may hide some channels.
                let without = tail.logits_without(&[0, 1, 2, 3, 4, 5, 6, 0]).unwrap();
                assert_eq!(without.size(), [16, 5]);
                assert!((without.narrow(0, 0, 2) - without.narrow(0, 14, 2)).abs().max().double_value(&[]) < 1e-10);
                let moves = (1..7).filter(|channel| off(&without.narrow(0, 2 * channel, 2)) > 1e-12).count();
                assert!(moves >= 2, "{name} {layer}: {moves} of six channels make a difference");
                assert!(off(&tail.logits().unwrap()) < 1e-10, "{name} {layer}, again");
            }
        }
    }
}
