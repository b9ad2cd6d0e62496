//! Which class a model predicts, and what of its logits stands for a class.
//!
//! A model of one logit has two classes: one that is there where the logit is above zero, and one that is not. What stands
//! for the first is the logit, and for the second the same with the other sign.

use tch::{Kind, TchError, Tensor};

/// The class `[n]` that each row of `logits` `[n, logits]` predicts: the largest; of one logit 1 if that is above zero, else 0.
pub fn predicted(logits: &Tensor) -> Result<Tensor, TchError> {
    if is_one(logits) { logits.f_gt(0.0)?.f_to_kind(Kind::Int64)?.f_flatten(0, -1) } else { logits.f_argmax(1, false) }
}

/// Scores `[.., n]` of the classes `targets` `[n]` among `logits` `[.., n, logits]`.
pub fn scores(logits: &Tensor, targets: &Tensor) -> Result<Tensor, TchError> {
    if is_one(logits) {
        return logits.f_squeeze_dim(-1)?.f_mul(&signs(targets, logits.kind())?);
    }
    let mut shape = logits.size();
    if let Some(last) = shape.last_mut() {
        *last = 1;
    }
    let index = targets.f_unsqueeze(-1)?.f_expand(&shape, false)?;
    logits.f_gather(-1, &index, false)?.f_squeeze_dim(-1)
}

/// The gradient of those scores with respect to `logits` `[n, logits]`.
pub(crate) fn gradient(logits: &Tensor, targets: &Tensor) -> Result<Tensor, TchError> {
    if is_one(logits) {
        return signs(targets, logits.kind())?.f_unsqueeze(-1);
    }
    logits.f_zeros_like()?.f_scatter_value_(1, &targets.f_view([-1, 1])?, 1.0)
}

fn is_one(logits: &Tensor) -> bool {
    logits.size().last() == Some(&1)
}

/// 1 for class 1, -1 for class 0.
fn signs(targets: &Tensor, kind: Kind) -> Result<Tensor, TchError> {
    targets.f_mul_scalar(2)?.f_sub_scalar(1)?.f_to_kind(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(tensor: &Tensor) -> Vec<f64> {
        Vec::try_from(tensor.to_kind(Kind::Double).flatten(0, -1)).unwrap()
    }

    #[test]
    fn of_several_logits_the_largest_is_explained_as_it_is() {
        let logits = Tensor::from_slice(&[1_f32, 3.0, 2.0, -1.0, -3.0, -2.0]).view([2, 3]);
        let targets = predicted(&logits).unwrap();
        assert_eq!(values(&targets), [1.0, 0.0]);
        assert_eq!(values(&scores(&logits, &targets).unwrap()), [3.0, -1.0]);
        assert_eq!(values(&gradient(&logits, &targets).unwrap()), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
    }

    /// Numbers equal to those of the two logits `[-z, z]`, whose larger one is the absolute value of z.
    #[test]
    fn of_one_logit_the_sign_follows_the_prediction() {
        let logits = Tensor::from_slice(&[2_f32, -3.0, 0.0]).view([3, 1]);
        let targets = predicted(&logits).unwrap();
        assert_eq!(values(&targets), [1.0, 0.0, 0.0]);
        assert_eq!(values(&scores(&logits, &targets).unwrap()), [2.0, 3.0, 0.0]);
        assert_eq!(values(&gradient(&logits, &targets).unwrap()), [1.0, -1.0, -1.0]);
        // At other points, two of each image, the classes are still those of the images.
        let points = Tensor::from_slice(&[1_f32, 1.0, 1.0, -1.0, -1.0, -1.0]).view([2, 3, 1]);
        assert_eq!(values(&scores(&points, &targets).unwrap()), [1.0, -1.0, -1.0, -1.0, 1.0, 1.0]);
    }
}
