//! The layers of vision transformers: values are tokens, `[n, tokens, width]`.

use super::{Builder, Value};
use crate::graph::{Constant, Size};
use crate::operations::{Add, Attention, Concatenate, Function, Linear, Norm, Over, Permute, Reshape, Select};

impl Builder<'_> {
    /// A map `[n, width, h, w]` as `[n, h w, width]`.
    pub fn tokens(&mut self, name: &str, from: Value) -> Value {
        let rows = Reshape { shape: vec![Size::Images(1), Size::Fixed(from.channels), Size::Fixed(-1)] };
        let rows = self.push(name, rows, &[from], from.channels);
        self.push(name, Permute { order: vec![0, 2, 1] }, &[rows], from.channels)
    }

    /// The learned token `token` `[1, 1, width]` before the others.
    pub fn prepend(&mut self, token: &str, from: Value) -> Value {
        let tensor = self.tensor(token, &[1, 1, from.channels]);
        let constant = self.push(token, Constant(tensor), &[], from.channels);
        self.push("tokens", Concatenate { dim: 1 }, &[constant, from], from.channels)
    }

    /// The learned position of each of so many tokens added, `[1, tokens, width]`. With square patches of
    /// `patch` pixels and one token more, this fixes the size of the images.
    pub fn positions(&mut self, name: &str, from: Value, tokens: i64, patch: i64) -> Value {
        let tensor = self.tensor(name, &[1, tokens, from.channels]);
        let side = ((tokens - 1) as f64).sqrt().round() as i64 * patch;
        self.size = Some([side; 2]);
        let constant = self.push(name, Constant(tensor), &[], from.channels);
        self.push("positions", Add, &[from, constant], from.channels)
    }

    /// Layer normalisation over the width.
    pub fn layer_norm(&mut self, name: &str, from: Value, eps: f64) -> Value {
        let shape = vec![from.channels];
        let [weight, bias] = ["weight", "bias"].map(|part| Some(self.tensor(&format!("{name}.{part}"), &shape)));
        self.push(name, Norm { over: Over::Last(shape), weight, bias, eps: Some(eps) }, &[from], from.channels)
    }

    /// The GELU by the error function.
    pub fn gelu(&mut self, name: &str, from: Value) -> Value {
        self.push(name, Function::Gelu { exact: true }, &[from], from.channels)
    }

    /// Self-attention of `heads` heads. `inward` names weight and bias of the layer that gives queries,
    /// keys and values; `outward` the layer behind.
    pub fn attention(&mut self, inward: [&str; 2], outward: &str, from: Value, heads: i64) -> Value {
        let width = from.channels;
        let weight = self.tensor(inward[0], &[3 * width, width]);
        let bias = Some(self.tensor(inward[1], &[3 * width]));
        let all = self.push(inward[0], Linear { weight, bias }, &[from], 3 * width);
        // [n, tokens, 3 width] to [n, 3 heads, tokens, width of a head].
        let shape = vec![Size::Images(1), Size::Fixed(-1), Size::Fixed(3 * heads), Size::Fixed(width / heads)];
        let all = self.push(inward[0], Reshape { shape }, &[all], width);
        let all = self.push(inward[0], Permute { order: vec![0, 2, 1, 3] }, &[all], width);
        let part = |start: i64| crate::operations::Slice { dim: 1, start, end: start + heads, step: 1 };
        let parts = [0, 1, 2].map(|index| self.push(inward[0], part(index * heads), &[all], width));
        let mixed = self.push(outward, Attention { scale: None, causal: false, mask: None }, &parts, width);
        let back = self.push(outward, Permute { order: vec![0, 2, 1, 3] }, &[mixed], width);
        let shape = vec![Size::Images(1), Size::Fixed(-1), Size::Fixed(width)];
        let joined = self.push(outward, Reshape { shape }, &[back], width);
        self.linear(outward, joined, width)
    }

    /// The first token.
    pub fn first_token(&mut self, name: &str, from: Value) -> Value {
        self.push(name, Select { dim: 1, index: 0 }, &[from], from.channels)
    }
}
