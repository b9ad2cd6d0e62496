//! Vision transformers: a class token, pre-norm blocks, exact GELU. Weights have torchvision's names or timm's.

use super::builder::{Builder, Value};
use super::entry::Entry;
use crate::operations::Geometry;

pub(super) const VIT_B_16: Entry =
    entry("vit_b_16", "vision transformer, patch 16, width 768, 12 layers, 12 heads", |b| {
        vit(b, &Sizes { patch: 16, width: 768, layers: 12, heads: 12, image: 224 })
    });
pub(super) const VIT_S_16: Entry =
    entry("vit_s_16", "vision transformer, patch 16, width 384, 12 layers, 6 heads", |b| {
        vit(b, &Sizes { patch: 16, width: 384, layers: 12, heads: 6, image: 224 })
    });
pub(super) const VIT_CIFAR: Entry =
    entry("vit_cifar", "vision transformer for 32 px, patch 4, width 384, 6 layers, 6 heads", |b| {
        vit(b, &Sizes { patch: 4, width: 384, layers: 6, heads: 6, image: 32 })
    });

const fn entry(name: &'static str, summary: &'static str, build: fn(&mut Builder<'_>) -> Value) -> Entry {
    let reference = "Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929";
    Entry::new([name, summary, reference], &["conv_proj.weight", "patch_embed.proj.weight"], build)
}

/// Added to the variance by both torchvision and timm.
const EPS: f64 = 1e-6;

struct Sizes {
    patch: i64,
    width: i64,
    layers: usize,
    heads: i64,
    /// Height and width of an image, if the file does not say.
    image: i64,
}

/// Names of the weights in one library.
struct Names {
    patches: &'static str,
    token: &'static str,
    positions: &'static str,
    block: fn(usize) -> String,
    norms: [&'static str; 2],
    inward: [&'static str; 2],
    outward: &'static str,
    mlp: [&'static str; 2],
    norm: &'static str,
    head: &'static str,
}

const TORCHVISION: Names = Names {
    patches: "conv_proj",
    token: "class_token",
    positions: "encoder.pos_embedding",
    block: |index| format!("encoder.layers.encoder_layer_{index}"),
    norms: ["ln_1", "ln_2"],
    inward: ["self_attention.in_proj_weight", "self_attention.in_proj_bias"],
    outward: "self_attention.out_proj",
    mlp: ["mlp.0", "mlp.3"],
    norm: "encoder.ln",
    head: "heads.head",
};

const TIMM: Names = Names {
    patches: "patch_embed.proj",
    token: "cls_token",
    positions: "pos_embed",
    block: |index| format!("blocks.{index}"),
    norms: ["norm1", "norm2"],
    inward: ["attn.qkv.weight", "attn.qkv.bias"],
    outward: "attn.proj",
    mlp: ["mlp.fc1", "mlp.fc2"],
    norm: "norm",
    head: "head",
};

fn vit(b: &mut Builder<'_>, sizes: &Sizes) -> Value {
    let names = if b.has("patch_embed.proj.weight") { TIMM } else { TORCHVISION };
    let images = b.images(names.patches);
    let geometry = Geometry::square(sizes.patch, 0);
    let x = b.padded_convolution(names.patches, images, (sizes.width, sizes.patch), geometry, true);
    let x = b.tokens("tokens", x);
    let x = b.prepend(names.token, x);
    // Random weights need not be for images as large as the published ones.
    let side = if b.weights_are_random() { 4 } else { sizes.image / sizes.patch };
    let tokens = b.size(names.positions, 1).unwrap_or(side.pow(2) + 1);
    let mut x = b.positions(names.positions, x, tokens, sizes.patch);
    for index in 0..sizes.layers {
        x = block(b, &(names.block)(index), &names, x, sizes.heads);
    }
    let x = b.layer_norm(names.norm, x, EPS);
    let x = b.first_token("class_token_out", x);
    b.classifier(names.head, x)
}

fn block(b: &mut Builder<'_>, block: &str, names: &Names, x: Value, heads: i64) -> Value {
    let full = |name: &str| format!("{block}.{name}");
    let y = b.layer_norm(&full(names.norms[0]), x, EPS);
    let inward = names.inward.map(full);
    let y = b.attention([&inward[0], &inward[1]], &full(names.outward), y, heads);
    let x = b.add(&full("add_1"), y, x);
    let y = b.layer_norm(&full(names.norms[1]), x, EPS);
    let first = full(names.mlp[0]);
    // Four widths in every published model.
    let hidden = b.size(&format!("{first}.weight"), 0).unwrap_or(4 * x.channels());
    let y = b.linear(&first, y, hidden);
    let y = b.gelu(&full("mlp.gelu"), y);
    let y = b.linear(&full(names.mlp[1]), y, x.channels());
    b.add(&full("add_2"), x, y)
}
