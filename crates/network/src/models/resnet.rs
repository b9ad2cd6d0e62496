//! Residual networks, as torchvision builds them: stride in the 3x3 convolution of a bottleneck.
//!
//! The variants for small images (a 3x3 stem without pooling) are told by the shape of `conv1`;
//! those of the MedMNIST benchmark at 28 px also have names of their own (`shortcut`, `linear`).

use super::builder::{Builder, Value};
use super::entry::Entry;

pub(super) const RESNET18: Entry =
    entry("resnet18", "residual network, 18 layers", |b| resnet(b, basic, [2, 2, 2, 2], 7));
pub(super) const RESNET34: Entry =
    entry("resnet34", "residual network, 34 layers", |b| resnet(b, basic, [3, 4, 6, 3], 7));
pub(super) const RESNET50: Entry =
    entry("resnet50", "residual network, 50 layers, bottlenecks", |b| resnet(b, bottleneck, [3, 4, 6, 3], 7));
pub(super) const RESNET101: Entry =
    entry("resnet101", "residual network, 101 layers, bottlenecks", |b| resnet(b, bottleneck, [3, 4, 23, 3], 7));
pub(super) const CIFAR_RESNET18: Entry =
    entry("cifar_resnet18", "ResNet-18 for small images: 3x3 stem, no pooling", |b| resnet(b, basic, [2, 2, 2, 2], 3));
pub(super) const CIFAR_RESNET34: Entry =
    entry("cifar_resnet34", "ResNet-34 for small images: 3x3 stem, no pooling", |b| resnet(b, basic, [3, 4, 6, 3], 3));
pub(super) const CIFAR_RESNET50: Entry =
    entry("cifar_resnet50", "ResNet-50 for small images: 3x3 stem, no pooling", |b| {
        resnet(b, bottleneck, [3, 4, 6, 3], 3)
    });

const fn entry(name: &'static str, summary: &'static str, build: fn(&mut Builder<'_>) -> Value) -> Entry {
    Entry::new([name, summary, "He et al. 2015, https://arxiv.org/abs/1512.03385"], &["layer1.0.conv1.weight"], build)
}

/// Lists one residual block: name, input, width, stride.
type Block = fn(&mut Builder<'_>, &str, Value, i64, i64) -> Value;

/// `stem` is the kernel of the first convolution, if the file does not say.
fn resnet(b: &mut Builder<'_>, block: Block, depths: [usize; 4], stem: i64) -> Value {
    let images = b.images("conv1");
    let small = b.size("conv1.weight", 2).unwrap_or(stem) == 3;
    let (kernel, stride) = if small { (3, 1) } else { (7, 2) };
    let x = b.convolution("conv1", images, 64, kernel, stride);
    let x = b.batch_norm("bn1", x);
    let mut x = b.relu("relu", x);
    if !small {
        x = b.max_pool("maxpool", x, 3, 2, 1);
    }
    for (stage, depth) in (1..).zip(depths) {
        for index in 0..depth {
            let stride = if stage > 1 && index == 0 { 2 } else { 1 };
            x = block(b, &format!("layer{stage}.{index}"), x, 32 << stage, stride);
        }
    }
    let x = b.pooled_features("avgpool", x, 1);
    let last = if b.has("linear.weight") { "linear" } else { "fc" };
    b.classifier(last, x)
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
        let of_medmnist = b.has(&format!("{name}.shortcut.0.weight"));
        let shortcut = if of_medmnist { "shortcut" } else { "downsample" };
        let x = b.convolution(&format!("{name}.{shortcut}.0"), x, out, 1, stride);
        b.batch_norm(&format!("{name}.{shortcut}.1"), x)
    } else {
        x
    };
    let sum = b.add(&format!("{name}.add"), y, shortcut);
    b.relu(&format!("{name}.relu_out"), sum)
}
