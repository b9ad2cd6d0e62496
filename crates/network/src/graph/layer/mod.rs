//! Layers: values inside the graph, for methods that explain them.

mod pictures;
pub(super) mod tail;
mod tokens;

use std::collections::BTreeSet;

use tch::{TchError, Tensor};

use crate::graph::lowered::purpose::Keep;
use crate::graph::operation::spatial::Layout;
use crate::graph::rule::Gradient;
use crate::graph::{Graph, Id, Trace};

/// A value of a graph by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer(pub(crate) Id);

impl Graph {
    /// The layer called `name`: the output of that module, or of the last operation inside it.
    pub fn layer(&self, name: &str) -> Option<Layer> {
        let within = |node: &crate::graph::Node| {
            node.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.nodes.iter().rposition(within).map(Layer)
    }

    /// The shortest name by which [`Graph::layer`] finds `layer`.
    pub fn layer_name(&self, Layer(id): Layer) -> &str {
        let whole = self.nodes[id].name.as_str();
        let starts = whole.match_indices('.').map(|(end, _)| &whole[..end]);
        starts.into_iter().find(|name| self.layer(name) == Some(Layer(id))).unwrap_or(whole)
    }

    /// A pass of `images` operation by operation, in which layers can be recognised.
    pub fn outline(&self, images: &Tensor) -> Result<Trace, TchError> {
        self.run(images, Keep::Trace(None))
    }

    /// Modules whose output in `trace`, of [`Graph::outline`], is a picture: what can be asked for as a layer.
    pub fn maps<'a>(&'a self, trace: &Trace) -> Vec<&'a str> {
        let layouts = self.layouts(trace);
        let is_map = |name: &&str| {
            let of = |Layer(id): Layer| trace.kept[id].output_shape.len() == 4 && layouts[id].is_some();
            self.layer(name).is_some_and(of)
        };
        self.module_names().into_iter().filter(is_map).collect()
    }

    /// Names of all modules, and of those that they are parts of.
    pub(super) fn module_names(&self) -> BTreeSet<&str> {
        let names = self.nodes.iter().skip(1).flat_map(|node| {
            let ends = node.name.match_indices('.').map(|(end, _)| end).chain([node.name.len()]);
            ends.map(|end| &node.name[..end])
        });
        names.filter(|name| !name.is_empty()).collect()
    }

    /// The last value of `trace`, of [`Graph::outline`], that is a picture of more than one pixel, if a head is all that follows:
    /// where Grad-CAM looks by default.
    pub fn last_map(&self, trace: &Trace) -> Option<Layer> {
        self.last_picture(trace).map(|(id, _)| Layer(id))
    }

    /// The value of `layer` for `images`, and the gradient of the logits `targets` `[n]` there: both `[n, ..]`, pictures as
    /// `[n, c, h, w]` however they lie in the network, and tokens of patches as such pictures.
    pub fn layer_gradient(
        &self,
        images: &Tensor,
        targets: &Tensor,
        Layer(layer): Layer,
    ) -> Result<(Tensor, Tensor), TchError> {
        let mut trace = self.run(images, Keep::Trace(Some(layer)))?;
        let gone = || TchError::Shape(format!("`{}` has no value", self.nodes[layer].name));
        let value = self.leave(trace.layer.take().ok_or_else(gone)?)?;
        let seed = self.select(&trace.logits, targets)?;
        let gradient = self.walk(&self.enter(&seed)?, layer, self.back(&trace, None, &Gradient))?;
        Ok((self.as_picture(&trace, layer, value)?, self.as_picture(&trace, layer, self.leave(gradient)?)?))
    }

    /// Whether the value `id` in `trace`, of [`Graph::outline`], is a picture `[n, h, w, c]`.
    pub(crate) fn has_channels_last(&self, trace: &Trace, id: Id) -> bool {
        self.layouts(trace)[id] == Some(Layout::ChannelsLast)
    }

    /// `value` of the layer `id` in `trace` as a picture `[n, c, h, w]`; `None` if `value` is neither a picture nor tokens of a
    /// picture.
    pub(crate) fn as_picture(&self, trace: &Trace, id: Id, value: Tensor) -> Result<Tensor, TchError> {
        match self.tokens(trace, id) {
            Some(tokens) => tokens.picture(&value),
            None if self.has_channels_last(trace, id) => value.f_permute([0, 3, 1, 2]),
            None => Ok(value),
        }
    }
}
