//! Residual networks, as torchvision builds them: stride in the 3x3 convolution of a bottleneck.

use std::borrow::Cow;

use sweep::catalogue::Item;

use super::Entry;
use crate::builder::{Builder, Value};

pub(super) const RESNET18: Entry = entry("resnet18", "residual network, 18 layers", |b| resnet(b, basic, [2, 2, 2, 2]));
pub(super) const RESNET34: Entry = entry("resnet34", "residual network, 34 layers", |b| resnet(b, basic, [3, 4, 6, 3]));
pub(super) const RESNET50: Entry =
    entry("resnet50", "residual network, 50 layers, bottlenecks", |b| resnet(b, bottleneck, [3, 4, 6, 3]));

const fn entry(name: &'static str, summary: &'static str, build: fn(&mut Builder<'_>) -> Value) -> Entry {
    let item = Item {
        name: Cow::Borrowed(name),
        summary: Cow::Borrowed(summary),
        reference: Cow::Borrowed("He et al. 2015, https://arxiv.org/abs/1512.03385"),
        parameters: Cow::Borrowed(&[]),
    };
    Entry { item, landmark: "layer1.0.conv1.weight", build }
}

/// Lists one residual block: name, input, width, stride.
type Block = fn(&mut Builder<'_>, &str, Value, i64, i64) -> Value;

fn resnet(b: &mut Builder<'_>, block: Block, depths: [usize; 4]) -> Value {
    let images = b.images("conv1");
    let x = b.convolution("conv1", images, 64, 7, 2);
    let x = b.batch_norm("bn1", x);
    let x = b.relu("relu", x);
    let mut x = b.max_pool("maxpool", x, 3, 2, 1);
    for (stage, depth) in (1..).zip(depths) {
        for index in 0..depth {
            let stride = if stage > 1 && index == 0 { 2 } else { 1 };
            x = block(b, &format!("layer{stage}.{index}"), x, 32 << stage, stride);
        }
    }
    let x = b.global_average_pool("avgpool", x);
    b.classifier("fc", x)
}

fn basic(b: &mut Builder<'_>, name: &str, x: Value, width: i64, stride: i64) -> Value {
    let y = b.convolution(&format!("{name}.conv1"), x, width, 3, stride);
    let y = b.batch_norm(&format!("{name}.bn1"), y);
    let y = b.relu(&format!("{name}.relu"), y);
    let y = b.convolution(&format!("{name}.conv2"), y, width, 3, 1);
    let y = b.batch_norm(&format!("{name}.bn2"), y);
    residual(b, name, x, y, width, stride)
}

fn bottleneck(b: &mut Builder<'_>, name: &str, x: Value, width: i64, stride: i64) -> Value {
    let y = b.convolution(&format!("{name}.conv1"), x, width, 1, 1);
    let y = b.batch_norm(&format!("{name}.bn1"), y);
    let y = b.relu(&format!("{name}.relu"), y);
    let y = b.convolution(&format!("{name}.conv2"), y, width, 3, stride);
    let y = b.batch_norm(&format!("{name}.bn2"), y);
    let y = b.relu(&format!("{name}.relu2"), y);
    let y = b.convolution(&format!("{name}.conv3"), y, 4 * width, 1, 1);
    let y = b.batch_norm(&format!("{name}.bn3"), y);
    residual(b, name, x, y, 4 * width, stride)
}

/// The sum with the shortcut, which is a strided 1x1 convolution where the shapes differ.
fn residual(b: &mut Builder<'_>, name: &str, x: Value, y: Value, out: i64, stride: i64) -> Value {
    let shortcut = if stride > 1 || x.channels() != out {
        let x = b.convolution(&format!("{name}.downsample.0"), x, out, 1, stride);
        b.batch_norm(&format!("{name}.downsample.1"), x)
    } else {
        x
    };
    let sum = b.add(&format!("{name}.add"), y, shortcut);
    b.relu(&format!("{name}.relu_out"), sum)
}
