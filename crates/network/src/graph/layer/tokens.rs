//! Tokens as maps: of a transformer's `[n, tokens, width]` the tokens of patches are the pixels of a picture of `width` channels.

use tch::{TchError, Tensor};

use crate::graph::{Graph, Id, Trace};

/// Most tokens that may stand before those of patches: a class, a distillation, registers.
const MOST_BEFORE: i64 = 16;

/// Places of the patches of an image among its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tokens {
    /// Tokens before those of patches.
    pub(super) before: i64,
    /// Rows and columns of patches.
    pub(super) grid: [i64; 2],
}

impl Tokens {
    /// `values` `[n, tokens, width]` as a picture `[n, width, rows, columns]`.
    pub(super) fn picture(self, values: &Tensor) -> Result<Tensor, TchError> {
        let [rows, columns] = self.grid;
        let patches = values.f_narrow(1, self.before, rows * columns)?.f_transpose(1, 2)?;
        patches.f_reshape([values.size()[0], -1, rows, columns])
    }
}

impl Graph {
    /// Places of the patches in the value `id` of `trace`, of [`Graph::outline`]; `None` if the value has no tokens of patches:
    /// the last picture before the value has as many pixels as patches exist, up to the few tokens that are prepended.
    pub(super) fn tokens(&self, trace: &Trace, id: Id) -> Option<Tokens> {
        let &[rows, tokens, _] = trace.kept[id].output_shape.as_slice() else { return None };
        if self.nodes[id].inputs.is_empty() {
            return None;
        }
        self.grid_before(trace, id, rows, tokens).map(|(before, grid)| Tokens { before, grid })
    }

    /// Number of tokens before those of patches, and rows and columns of patches, of `tokens` tokens in the value `id` of `rows` rows.
    pub(crate) fn grid_before(&self, trace: &Trace, id: Id, rows: i64, tokens: i64) -> Option<(i64, [i64; 2])> {
        // Windows of an attention are more rows than there are images.
        if rows != trace.images() {
            return None;
        }
        let layouts = self.layouts(trace);
        let of = |before: Id| {
            let shape = &trace.kept[before].output_shape;
            let grid = layouts[before].filter(|_| shape.len() == 4).and_then(|layout| layout.plane(shape))?;
            let before = tokens - grid[0] * grid[1];
            (grid[0] * grid[1] > 1 && (0..=MOST_BEFORE).contains(&before)).then_some((before, grid))
        };
        (1..id).rev().find_map(of)
    }

    /// Whether the output of the module `name` in `trace`, of [`Graph::outline`], are tokens of patches.
    pub fn is_token_map(&self, trace: &Trace, name: &str) -> bool {
        self.layer(name).is_some_and(|crate::graph::Layer(id)| self.tokens(trace, id).is_some())
    }

    /// Modules whose output in `trace`, of [`Graph::outline`], are tokens of patches. The module in which a map shows most
    /// comes first: the norm before the last attention. Behind it patches no longer reach the class of many transformers.
    pub fn token_maps<'a>(&'a self, trace: &Trace) -> Vec<&'a str> {
        let names = self.module_names().into_iter();
        let of = |name: &'a str| {
            let crate::graph::Layer(id) = self.layer(name)?;
            self.tokens(trace, id).map(|_| (id, name))
        };
        let mut found: Vec<(Id, &str)> = names.filter_map(of).collect();
        let last = self.nodes.iter().rposition(|node| node.operation.mixes_tokens()).unwrap_or(0);
        // A module and the last operation inside it are one value: the shorter name comes first.
        found.sort_by_key(|(id, name)| {
            let is_norm = self.nodes[*id].operation.normalises_tokens();
            (!(is_norm && *id < last), std::cmp::Reverse(*id), name.len())
        });
        found.dedup_by_key(|(id, _)| *id);
        found.into_iter().map(|(_, name)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::Tokens;
    use crate::Weights;
    use crate::models::load;

    #[test]
    fn patches_are_rows_of_a_picture_behind_the_class_token() {
        let tokens = Tokens { before: 1, grid: [2, 3] };
        // Token t has the values 10 t and 10 t + 1.
        let values = Tensor::arange(7, (Kind::Float, Device::Cpu)).view([1, 7, 1]) * 10
            + Tensor::arange(2, (Kind::Float, Device::Cpu)).view([1, 1, 2]);
        let picture = tokens.picture(&values).unwrap();
        assert_eq!(picture.size(), [1, 2, 2, 3]);
        assert_eq!(picture.double_value(&[0, 1, 1, 0]), 41.0);
    }

    #[test]
    fn the_norm_before_the_last_attention_is_the_first_that_is_offered() {
        let graph = load("vit_cifar", &Weights::random(3, 5), (Device::Cpu, Kind::Float)).unwrap();
        let [height, width] = graph.size().unwrap();
        let trace = graph.outline(&Tensor::zeros([1, 3, height, width], (Kind::Float, Device::Cpu))).unwrap();
        let maps = graph.token_maps(&trace);
        assert_eq!(maps[0], "encoder.layers.encoder_layer_5.ln_1", "{maps:?}");
        assert!(maps.contains(&"encoder.layers.encoder_layer_3"), "{maps:?}");
        let graph = load("resnet18", &Weights::random(3, 5), (Device::Cpu, Kind::Float)).unwrap();
        let trace = graph.outline(&Tensor::zeros([1, 3, 64, 64], (Kind::Float, Device::Cpu))).unwrap();
        assert!(graph.token_maps(&trace).is_empty());
    }
}
