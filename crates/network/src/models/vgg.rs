//! VGG, as torchvision builds it, with and without batch norms.

use super::builder::{Builder, Value};
use super::entry::Entry;
use crate::operations::Geometry;

pub(super) const VGG11: Entry = entry("vgg11", "VGG, 11 layers", |b| vgg(b, ELEVEN, false));
pub(super) const VGG11_BN: Entry = entry("vgg11_bn", "VGG, 11 layers, with batch norms", |b| vgg(b, ELEVEN, true));
pub(super) const VGG16: Entry = entry("vgg16", "VGG, 16 layers", |b| vgg(b, SIXTEEN, false));
pub(super) const VGG16_BN: Entry = entry("vgg16_bn", "VGG, 16 layers, with batch norms", |b| vgg(b, SIXTEEN, true));

/// Convolutions of each stage; a pooling follows each stage.
const ELEVEN: [usize; 5] = [1, 1, 2, 2, 2];
const SIXTEEN: [usize; 5] = [2, 2, 3, 3, 3];
const WIDTHS: [i64; 5] = [64, 128, 256, 512, 512];

const fn entry(name: &'static str, summary: &'static str, build: fn(&mut Builder<'_>) -> Value) -> Entry {
    let reference = "Simonyan and Zisserman 2014, https://arxiv.org/abs/1409.1556";
    Entry::new([name, summary, reference], &["features.0.weight"], build)
}

fn vgg(b: &mut Builder<'_>, depths: [usize; 5], normalised: bool) -> Value {
    let mut x = b.images("features.0");
    let mut index = 0;
    // torchvision numbers convolutions, batch norms, ReLUs and poolings in one row.
    let mut next = || {
        index += 1;
        format!("features.{}", index - 1)
    };
    for (depth, width) in depths.into_iter().zip(WIDTHS) {
        for _ in 0..depth {
            x = b.padded_convolution(&next(), x, (width, 3), Geometry::square(1, 1), true);
            if normalised {
                x = b.batch_norm(&next(), x);
            }
            x = b.relu(&next(), x);
        }
        x = b.max_pool(&next(), x, 2, 2, 0);
    }
    let mut x = b.pooled_features("avgpool", x, 7);
    for (linear, relu) in [("classifier.0", "classifier.1"), ("classifier.3", "classifier.4")] {
        // 4096 in torchvision's files; random weights need not be that wide.
        let width = b.size(&format!("{linear}.weight"), 0).unwrap_or(64);
        x = b.linear(linear, x, width);
        x = b.relu(relu, x);
    }
    b.classifier("classifier.6", x)
}
