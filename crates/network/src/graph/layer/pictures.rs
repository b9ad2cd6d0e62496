//! Which values of a graph are pictures, and where their pixels lie: what Grad-CAM may look at.
//!
//! Told from the graph and the shapes of one pass: `[n, h, w, c]` looks like `[n, c, h, w]`, and so do the heads of an attention. A
//! picture stays one through what acts on each pixel or its neighbours; a permutation moves its dimensions. What else comes in,
//! such as the gate of a squeeze-and-excitation, one number for each channel, changes nothing of that.

use crate::graph::operation::spatial::{Layout, Spatial};
use crate::graph::{Graph, Id, Trace};

/// Operations that may follow on the last picture of a network, besides those on one pixel: pooling, flattening, and a head of two
/// hidden layers.
const HEAD: usize = 12;

impl Graph {
    /// The layout of every value of `trace`, of [`Graph::outline`], that is a picture.
    pub(super) fn layouts(&self, trace: &Trace) -> Vec<Option<Layout>> {
        let mut layouts: Vec<Option<Layout>> = Vec::with_capacity(self.nodes.len());
        for id in 0..self.nodes.len() {
            let layout = if id == 0 { Some(Layout::Planes) } else { self.layout(id, trace, &layouts) };
            layouts.push(layout);
        }
        layouts
    }

    fn layout(&self, id: Id, trace: &Trace, layouts: &[Option<Layout>]) -> Option<Layout> {
        let (node, kept) = (&self.nodes[id], &trace.kept[id]);
        let spatial = node.operation.spatial();
        let pixels = |at: usize| {
            let plane = layouts[node.inputs[at]].and_then(|layout| layout.plane(&kept.shapes[at]));
            plane.map_or(0, |[height, width]| height * width)
        };
        // The larger one, where the other is a gate.
        let first = (0..node.inputs.len()).max_by_key(|at| pixels(*at)).filter(|at| pixels(*at) > 0)?;
        let (layout, shape) = (layouts[node.inputs[first]]?, &kept.shapes[first]);
        let fits = |at: usize| {
            let other = &kept.shapes[at];
            let constant = self.nodes[node.inputs[at]].inputs.is_empty();
            let gate = layout.plane(other).is_none_or(|plane| plane == [1, 1]);
            constant || gate || layouts[node.inputs[at]] == Some(layout) || other == shape
        };
        let result = match spatial {
            Spatial::Kept => Some(layout),
            Spatial::OfChannels => (layout == Layout::ChannelsLast).then_some(layout),
            Spatial::Permuted(order) => layout.permuted(order),
            Spatial::Reshaped => layout.reshaped(shape, &kept.output_shape),
            Spatial::Lost => None,
        };
        result.filter(|_| (0..node.inputs.len()).all(fits))
    }

    /// The last picture of more than one pixel, `[n, c, h, w]` or `[n, h, w, c]`, if little more than a pooling and a head stands behind
    /// it: where tokens and attention follow, no picture is the one that is meant.
    pub(super) fn last_picture(&self, trace: &Trace) -> Option<(Id, Layout)> {
        let layouts = self.layouts(trace);
        let is_one = |id: &Id| {
            let shape = &trace.kept[*id].output_shape;
            let plane = layouts[*id].filter(|_| shape.len() == 4).and_then(|layout| layout.plane(shape));
            plane.is_some_and(|[height, width]| height * width > 1)
        };
        let id = (1..self.nodes.len()).rev().find(is_one)?;
        // Of small images the last blocks of a network are left with one pixel, which shows nothing.
        let counts = |id: &Id| {
            let one_pixel = matches!(trace.kept[*id].output_shape[..], [_, _, 1, 1]);
            !one_pixel && !self.nodes[*id].inputs.is_empty()
        };
        let behind = (id + 1..self.nodes.len()).filter(counts).count();
        Some((id, layouts[id]?)).filter(|_| behind <= HEAD)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use crate::Weights;
    use crate::models::load;

    #[test]
    fn the_last_picture_of_small_images_is_the_last_of_more_than_one_pixel_and_tokens_are_none() {
        let last = |name: &str, size: i64| {
            let graph = load(name, &Weights::random(3, 5), (Device::Cpu, Kind::Float)).unwrap();
            let [height, width] = graph.size().unwrap_or([size; 2]);
            let trace = graph.outline(&Tensor::zeros([1, 3, height, width], (Kind::Float, Device::Cpu))).unwrap();
            graph.last_picture(&trace).map(|(id, _)| graph.nodes[id].name.clone())
        };
        assert_eq!(last("resnet18", 64).as_deref(), Some("layer4.1.relu_out"));
        assert_eq!(last("resnet18", 28).as_deref(), Some("layer3.1.relu_out"));
        // A bottleneck shrinks behind its first convolution.
        assert_eq!(last("resnet50", 32).as_deref(), Some("layer4.0.relu"));
        assert_eq!(last("vgg11_bn", 64).as_deref(), Some("features.28"));
        assert!(last("densenet121", 32).is_some() && last("lenet", 28).is_some());
        assert_eq!(last("vit_cifar", 32), None);
        // Of one pixel, and a picture all the same for whoever names it.
        let graph = load("resnet18", &Weights::random(3, 5), (Device::Cpu, Kind::Float)).unwrap();
        let trace = graph.outline(&Tensor::zeros([1, 3, 28, 28], (Kind::Float, Device::Cpu))).unwrap();
        assert!(graph.maps(&trace).contains(&"layer4") && !graph.maps(&trace).contains(&"avgpool"));
    }
}
