//! Relevance of transformers as Chefer et al. 2021 have it, <https://arxiv.org/abs/2012.09838>: what reaches the weights of attentions.
//!
//! The rules carry relevance itself. All sums are those of an image: the authors' code sums over the batch, so that its maps of several
//! images are not those of each alone.

use std::cell::RefCell;

use tch::{TchError, Tensor};

use crate::graph::{Graph, Kept, Place, Rule, Step, Steps, Sum};
use crate::operations::{Add, Attention, Function, Linear, Norm, Relu, Softmax, WithConstant};

/// Distance by which denominators are moved away from zero.
const LEAST: f64 = 1e-9;

/// The rules, and the relevance of attention weights that passes leave: from the last attention to the first.
#[derive(Debug, Default)]
struct Rules(RefCell<Vec<Tensor>>);

impl Graph {
    /// Relevance `[n, heads, tokens, tokens]` of the weights of every attention, of one at the logits `targets` `[n]`: from the last
    /// attention to the first.
    pub fn attention_relevance(&self, images: &Tensor, targets: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let rules = Rules::default();
        let trace = self.trace_for(images, &rules)?;
        let seed = self.select(trace.logits(), targets)?;
        let _ = self.backward(&trace, &seed, &rules)?;
        Ok(rules.0.take())
    }
}

impl Rule for Rules {
    fn name(&self) -> String {
        "transformer attribution".to_owned()
    }

    fn steps(&self) -> Option<&dyn Steps> {
        Some(self)
    }
}

impl Steps for Rules {
    fn reads(&self, place: Place<'_>) -> bool {
        let operation = place.operation();
        let linear = operation.as_a::<Linear>().is_some();
        linear || operation.as_a::<Add>().is_some() || operation.as_a::<Attention>().is_some()
    }

    fn take(&self, step: &Step<'_>, relevance: &Tensor, sums: &mut [Sum]) -> Result<bool, TchError> {
        let (operation, kept) = (step.place.operation(), step.kept);
        if let Some(linear) = operation.as_a::<Linear>() {
            sums[0].add(positive(linear, kept.input(0)?, relevance)?)?;
            return Ok(true);
        }
        if operation.as_a::<Add>().is_some() {
            return add(kept, relevance, sums);
        }
        if let Some(attention) = operation.as_a::<Attention>() {
            let (of_weights, given) = attended(attention, kept, relevance)?;
            self.0.borrow_mut().push(of_weights);
            Sum::add_each(sums, given)?;
            return Ok(true);
        }
        let passes = [
            operation.as_a::<Function>().is_some(),
            operation.as_a::<Norm>().is_some(),
            operation.as_a::<Relu>().is_some(),
            operation.as_a::<Softmax>().is_some(),
            operation.as_a::<WithConstant>().is_some(),
        ];
        if passes.contains(&true) && kept.shape(0)? == kept.output_shape {
            sums[0].add(relevance.shallow_clone())?;
            return Ok(true);
        }
        Ok(false)
    }
}

/// `values / by`, and zero where `by` is zero.
fn over(values: &Tensor, by: &Tensor) -> Result<Tensor, TchError> {
    let moved = by.f_add_scalar(LEAST)?;
    let moved = moved.f_where_self(&moved.f_ne(0.0)?, &moved.f_full_like(LEAST)?)?;
    values.f_div(&moved)?.f_mul(&by.f_ne(0.0)?.f_to_kind(values.f_kind()?)?)
}

/// Shares of the positive terms of a layer, without its bias.
fn positive(linear: &Linear, x: &Tensor, relevance: &Tensor) -> Result<Tensor, TchError> {
    let (above, below) = (x.f_clamp_min(0.0)?, x.f_clamp_max(0.0)?);
    let (raising, lowering) = (linear.weight.f_clamp_min(0.0)?, linear.weight.f_clamp_max(0.0)?);
    let none = None::<&Tensor>;
    let z = above.f_linear(&raising, none)?.f_add(&below.f_linear(&lowering, none)?)?;
    let shares = over(relevance, &z)?;
    let of_above = above.f_mul(&shares.f_matmul(&raising)?)?;
    of_above.f_add(&below.f_mul(&shares.f_matmul(&lowering)?)?)
}

/// A residual sum: each term its share of every value, then as much in all as the sizes of both sums say, of each image.
fn add(kept: &Kept, relevance: &Tensor, sums: &mut [Sum]) -> Result<bool, TchError> {
    let (a, b) = (kept.input(0)?, kept.input(1)?);
    if a.size() != b.size() {
        // Positions are one row for all images.
        return Ok(false);
    }
    let shares = over(relevance, kept.output()?)?;
    let parts = [a.f_mul(&shares)?, b.f_mul(&shares)?];
    let of_image = |values: &Tensor| {
        let dims: Vec<i64> = (1..values.dim() as i64).collect();
        values.f_sum_dim_intlist(dims.as_slice(), true, values.f_kind()?)
    };
    let totals = [of_image(&parts[0])?, of_image(&parts[1])?];
    let sizes = totals[0].f_abs()?.f_add(&totals[1].f_abs()?)?;
    let all = of_image(relevance)?;
    for (at, part) in parts.iter().enumerate() {
        let wanted = over(&totals[at].f_abs()?, &sizes)?.f_mul(&all)?;
        sums[at].add(part.f_mul(&over(&wanted, &totals[at])?)?)?;
    }
    Ok(true)
}

/// Relevance of the weights of an attention, and of queries, keys and values: both factors of a product get half.
fn attended(attention: &Attention, kept: &Kept, relevance: &Tensor) -> Result<(Tensor, Vec<Tensor>), TchError> {
    let (query, key, value) = (kept.input(0)?, kept.input(1)?, kept.input(2)?);
    let weights = attention.weights(query, key)?;
    let shares = over(relevance, kept.output()?)?;
    let of_weights = weights.f_mul(&shares.f_matmul(&value.f_transpose(-2, -1)?)?)?.f_mul_scalar(0.5)?;
    let of_value = value.f_mul(&weights.f_transpose(-2, -1)?.f_matmul(&shares)?)?.f_mul_scalar(0.5)?;
    let shares = over(&of_weights, &query.f_matmul(&key.f_transpose(-2, -1)?)?)?;
    let of_query = query.f_mul(&shares.f_matmul(key)?)?.f_mul_scalar(0.5)?;
    let of_key = key.f_mul(&shares.f_transpose(-2, -1)?.f_matmul(query)?)?.f_mul_scalar(0.5)?;
    Ok((of_weights, vec![of_query, of_key, of_value]))
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::Weights;
    use crate::models::load;

    fn values(shape: &[i64], step: f64) -> Tensor {
        let count = shape.iter().product::<i64>();
        (Tensor::arange(count, (Kind::Double, Device::Cpu)) * step).sin().view(shape)
    }

    fn kept(inputs: Vec<Tensor>, output: Tensor) -> Kept {
        Kept { values: Some((inputs, output)), ..Kept::default() }
    }

    fn total(values: &Tensor) -> f64 {
        values.sum(Kind::Double).double_value(&[])
    }

    /// The output is A v: half of its relevance goes to v, half to A; and of that half to q and half to k.
    #[test]
    fn an_attention_gives_half_to_its_values_and_a_quarter_each_to_queries_and_keys() {
        let attention = Attention { scale: None, causal: false, mask: None };
        let [query, key, value] = [0.37, 0.53, 0.71].map(|step| values(&[1, 2, 3, 4], step) + 1.5);
        let output = attention.weights(&query, &key).unwrap().matmul(&value);
        let relevance = values(&[1, 2, 3, 4], 0.91) + 0.5;
        let (of_weights, given) = attended(&attention, &kept(vec![query, key, value], output), &relevance).unwrap();
        let all = total(&relevance);
        assert!((total(&of_weights) / all - 0.5).abs() < 1e-6);
        for (given, share) in given.iter().zip([0.25, 0.25, 0.5]) {
            assert!((total(given) / all - share).abs() < 1e-6, "{share}");
        }
    }

    /// Terms 1 and 3 of 4, and -2 and 4 of 2: shares of a relevance of 1 each are 1/4 - 1 = -3/4 and 3/4 + 2 = 11/4. In all there is 2, of
    /// which the sizes 3/4 and 11/4 say 3/7 and 11/7.
    #[test]
    fn a_sum_gives_its_terms_as_much_as_the_sizes_of_their_shares_say() {
        let of = |numbers: [f64; 2]| Tensor::from_slice(&numbers).view([1, 2]);
        let (a, b) = (of([1.0, -2.0]), of([3.0, 4.0]));
        let output = &a + &b;
        let mut sums = [Sum::default(), Sum::default()];
        assert!(add(&kept(vec![a, b], output), &of([1.0, 1.0]), &mut sums).unwrap());
        let [a, b] = sums.map(|mut sum| total(&sum.take().unwrap()));
        assert!((a - 3.0 / 7.0).abs() < 1e-6 && (b - 11.0 / 7.0).abs() < 1e-6, "{a} {b}");
    }

    #[test]
    fn an_image_alone_has_the_relevance_that_it_has_beside_another() {
        let graph = load("vit_cifar", &Weights::random(3, 5), (Device::Cpu, Kind::Double)).unwrap();
        let [height, width] = graph.size().unwrap();
        let (images, targets) = (values(&[2, 3, height, width], 0.37), Tensor::from_slice(&[1_i64, 2]));
        let both = graph.attention_relevance(&images, &targets).unwrap();
        assert_eq!(both.len(), 6);
        let alone = graph.attention_relevance(&images.narrow(0, 1, 1), &targets.narrow(0, 1, 1)).unwrap();
        for (both, alone) in both.iter().zip(&alone) {
            let off = (both.narrow(0, 1, 1) - alone).abs().max().double_value(&[]);
            assert!(off < 1e-9 * both.abs().max().double_value(&[]), "{off}");
        }
    }
}
