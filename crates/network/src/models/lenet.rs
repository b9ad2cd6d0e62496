//! The small network of the Quantus notebooks: two convolutions with batch norms, three linear layers.
//!
//! Every notebook names its layers in its own way, so they are found by their shapes.

use super::builder::{Builder, Value};
use super::entry::Entry;
use crate::operations::Geometry;

pub(super) const LENET: Entry = Entry::new(
    [
        "lenet",
        "conv 16-bn-relu-pool, conv 32-bn-relu-pool, fc 128-dropout-relu, fc 64-dropout-relu, fc; \
         layers are found by their shapes",
        "LeCun et al. 1998, https://doi.org/10.1109/5.726791; as in the notebooks of https://github.com/understandable-machine-intelligence-lab/Quantus",
    ],
    &[],
    lenet,
);

/// Sizes of images that such networks are trained on, the likeliest first.
const SIZES: [i64; 5] = [28, 32, 64, 128, 224];

/// Largest kernel that fits into those with its padding.
const MOST_KERNEL: i64 = 224;

fn lenet(b: &mut Builder<'_>) -> Value {
    let tensors = b.tensors();
    let layer = |fits: &dyn Fn(&[i64]) -> bool, role: &str| {
        let found = tensors.iter().find(|(name, shape)| name.ends_with("weight") && fits(shape));
        found.and_then(|(name, _)| name.strip_suffix(".weight")).unwrap_or(role).to_owned()
    };
    let norm = |channels: i64, role: &str| {
        let found = tensors.iter().find(|(name, shape)| name.ends_with(".running_mean") && shape[..] == [channels]);
        found.and_then(|(name, _)| name.strip_suffix(".running_mean")).unwrap_or(role).to_owned()
    };
    let convolutions = [
        layer(&|shape| matches!(shape, [16, _, _, _]), "conv1"),
        layer(&|shape| matches!(shape, [32, 16, _, _]), "conv2"),
    ];
    let norms = [norm(16, "bn1"), norm(32, "bn2")];
    let hidden = [layer(&|shape| matches!(shape, [128, _]), "fc1"), layer(&|shape| *shape == [64, 128], "fc2")];
    let last = layer(&|shape| matches!(shape, [classes, 64] if *classes != 32), "fc3");

    let kernel = b.size(&format!("{}.weight", convolutions[0]), 2).unwrap_or(3);
    let features = b.size(&format!("{}.weight", hidden[0]), 1).unwrap_or(32 * 7 * 7);
    let (padding, size) = padding(kernel, features);
    let mut x = b.images(&convolutions[0]);
    b.fix_size(size);
    for (index, (convolution, norm)) in convolutions.iter().zip(&norms).enumerate() {
        let biased = b.weights_are_random() || b.has(&format!("{convolution}.bias"));
        x = b.padded_convolution(convolution, x, (16 << index, kernel), Geometry::square(1, padding), biased);
        x = b.batch_norm(norm, x);
        x = b.relu(&format!("relu{index}"), x);
        x = b.max_pool(&format!("pool{index}"), x, 2, 2, 0);
    }
    x = b.flatten("flatten", x, features);
    for (linear, width) in hidden.iter().zip([128, 64]) {
        x = b.linear(linear, x, width);
        x = b.relu(&format!("{linear}.relu"), x);
    }
    b.classifier(&last, x)
}

/// The padding, and the size of the images, with which two convolutions and poolings leave `features` features.
fn padding(kernel: i64, features: i64) -> (i64, Option<i64>) {
    // An empty tensor can have any kernel.
    if !(1..=MOST_KERNEL).contains(&kernel) {
        return (0, None);
    }
    let left = |size: i64, padding: i64| (0..2).fold(size, |size, _| (size + 2 * padding - kernel + 1) / 2);
    let choices = SIZES.into_iter().flat_map(|size| [(kernel / 2, size), (0, size)]);
    let mut fitting = choices.filter(|(padding, size)| 32 * left(*size, *padding).pow(2) == features);
    fitting.next().map_or((kernel / 2, None), |(padding, size)| (padding, Some(size)))
}
