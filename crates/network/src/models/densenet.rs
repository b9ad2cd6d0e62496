//! Densely connected networks, as torchvision builds them: growth 32, bottlenecks of 4 growths.

use super::builder::{Builder, Value};
use super::entry::Entry;

pub(super) const DENSENET121: Entry =
    entry("densenet121", "densely connected network, 121 layers", |b| densenet(b, [6, 12, 24, 16]));
pub(super) const DENSENET201: Entry =
    entry("densenet201", "densely connected network, 201 layers", |b| densenet(b, [6, 12, 48, 32]));

const fn entry(name: &'static str, summary: &'static str, build: fn(&mut Builder<'_>) -> Value) -> Entry {
    let reference = "Huang et al. 2016, https://arxiv.org/abs/1608.06993";
    Entry::new([name, summary, reference], &["features.conv0.weight"], build)
}

const GROWTH: i64 = 32;

fn densenet(b: &mut Builder<'_>, depths: [usize; 4]) -> Value {
    b.also_known_as(before_2018);
    let images = b.images("features.conv0");
    let x = b.convolution("features.conv0", images, 64, 7, 2);
    let x = b.batch_norm("features.norm0", x);
    let x = b.relu("features.relu0", x);
    let mut x = b.max_pool("features.pool0", x, 3, 2, 1);
    for (block, depth) in (1..).zip(depths) {
        x = dense_block(b, &format!("features.denseblock{block}"), x, depth);
        if block < depths.len() {
            x = transition(b, &format!("features.transition{block}"), x);
        }
    }
    let x = b.batch_norm("features.norm5", x);
    // torchvision calls this one as a function, out of reach for Captum's hooks.
    let x = b.functional_relu("relu", x);
    let x = b.pooled_features("avgpool", x, 1);
    b.classifier("classifier", x)
}

/// A block in which each layer sees the input of the block and the outputs of all layers before.
fn dense_block(b: &mut Builder<'_>, name: &str, x: Value, depth: usize) -> Value {
    let mut features = vec![x];
    for layer in 1..=depth {
        let name = format!("{name}.denselayer{layer}");
        let x = b.concatenate(&format!("{name}.cat"), &features);
        let x = b.batch_norm(&format!("{name}.norm1"), x);
        let x = b.relu(&format!("{name}.relu1"), x);
        let x = b.convolution(&format!("{name}.conv1"), x, 4 * GROWTH, 1, 1);
        let x = b.batch_norm(&format!("{name}.norm2"), x);
        let x = b.relu(&format!("{name}.relu2"), x);
        features.push(b.convolution(&format!("{name}.conv2"), x, GROWTH, 3, 1));
    }
    b.concatenate(&format!("{name}.cat"), &features)
}

/// Transition to half the channels and half the size.
fn transition(b: &mut Builder<'_>, name: &str, x: Value) -> Value {
    let channels = x.channels() / 2;
    let x = b.batch_norm(&format!("{name}.norm"), x);
    let x = b.relu(&format!("{name}.relu"), x);
    let x = b.convolution(&format!("{name}.conv"), x, channels, 1, 1);
    b.average_pool(&format!("{name}.pool"), x, 2)
}

/// `denselayer1.norm1.weight` is `denselayer1.norm.1.weight` in files of 2017, such as `densenet121-a639ec97.pth`.
fn before_2018(name: &str) -> Option<String> {
    let (layer, rest) = name.split_once(".denselayer")?;
    let (index, part) = rest.split_once('.')?;
    let digit = part.find(['1', '2'])?;
    let (kind, tail) = part.split_at(digit);
    ["norm", "conv"].contains(&kind).then(|| format!("{layer}.denselayer{index}.{kind}.{tail}"))
}
