//! Eigen-CAM: the first principal component of a layer's maps.

use tch::{Kind, TchError, Tensor};

use super::cam::{Cam, PARAMETERS};
use crate::methods::entry::Entry;

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "EigenCAM",
        "maps of a layer projected onto their first principal component over pixels, centred as pytorch-grad-cam has it. It knows no \
         class. The sign, which an eigenvector leaves open, is that of the mean over channels: with pytorch-grad-cam it depends on the \
         machine's LAPACK",
        "Muhammad and Yeasin 2020, https://arxiv.org/abs/2008.00299",
    ],
    &PARAMETERS,
    |parameters, _| Cam::boxed(parameters, |value, _| principal(value)),
)
.on_the_pass()
.called(&["EigenCam", "eigencam"]);

/// The projection `[n, 1, h, w]` of `value` `[n, k, h, w]` onto the first principal component of its pixels, in double precision
/// until the end: an eigenvector of near eigenvalues turns far for a little noise.
pub(super) fn principal(value: &Tensor) -> Result<Tensor, TchError> {
    let (n, channels, height, width) = value.size4()?;
    // [n, pixels, channels]
    let rows = value.f_reshape([n, channels, height * width])?.f_transpose(1, 2)?.f_to_kind(Kind::Double)?;
    let centred = rows.f_sub(&rows.f_mean_dim([1_i64].as_slice(), true, Kind::Double)?)?;
    let scores = if channels <= height * width {
        // Eigenvector v of X^T X: the projection is X v.
        centred.f_matmul(&largest(&centred.f_transpose(1, 2)?.f_matmul(&centred)?)?)?
    } else {
        // Eigenvector u of X X^T, of the same eigenvalue s^2: X v = s u.
        let u = largest(&centred.f_matmul(&centred.f_transpose(1, 2)?)?)?;
        let size = centred.f_transpose(1, 2)?.f_matmul(&u)?;
        u.f_mul(&size.f_norm_scalaropt_dim(2.0, [1_i64].as_slice(), true)?)?
    };
    let mean = rows.f_mean_dim([2_i64].as_slice(), true, Kind::Double)?;
    let mean = mean.f_sub(&mean.f_mean_dim([1_i64].as_slice(), true, Kind::Double)?)?;
    let agrees = scores.f_mul(&mean)?.f_sum_dim_intlist([1_i64].as_slice(), true, Kind::Double)?;
    let sign = agrees.f_ge(0.0)?.f_to_kind(Kind::Double)?.f_mul_scalar(2.0)?.f_sub_scalar(1.0)?;
    scores.f_mul(&sign)?.f_reshape([n, 1, height, width])?.f_to_kind(value.f_kind()?)
}

/// The eigenvector `[n, d, 1]` of the largest eigenvalue of symmetric matrices `[n, d, d]`.
fn largest(matrices: &Tensor) -> Result<Tensor, TchError> {
    let (_, vectors) = matrices.f_linalg_eigh("L")?;
    // Eigenvalues rise.
    vectors.f_narrow(2, matrices.size()[1] - 1, 1)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::super::cam::{assert_map, by_hand};
    use super::principal;

    /// Centred pixels are rows (0, -1), (-1, 2), (1, 0), (0, -1). X^T X = [[2, -2], [-2, 6]] has the eigenvalues 4 + 8^(1/2) and
    /// 4 - 8^(1/2), and (-0.38268, 0.92388) as its first eigenvector. Means over channels are 0.5, 1.5, 1.5, 0.5.
    #[test]
    fn the_map_is_the_projection_with_the_sign_of_the_mean_over_channels() {
        let (value, _) = by_hand();
        assert_map(&principal(&value).unwrap(), [-0.92388, 2.23044, -0.38268, -0.92388]);
        assert_map(&principal(&(value * 2.0 + 5.0)).unwrap(), [-1.84776, 4.46088, -0.76537, -1.84776]);
    }

    #[test]
    fn it_makes_no_difference_whether_there_are_more_channels_or_more_pixels() {
        let wide = (Tensor::arange(2 * 12 * 4, (Kind::Double, Device::Cpu)) * 0.7).sin().view([2, 12, 2, 2]);
        // Channels of nothing but zeros change no principal component.
        let narrow = wide.narrow(1, 0, 3);
        let filled = Tensor::cat(&[narrow.shallow_clone(), wide.narrow(1, 3, 9) * 0.0], 1);
        let ratio = principal(&narrow).unwrap() / principal(&filled).unwrap();
        assert!((ratio - 1.0).abs().max().double_value(&[]) < 1e-9);
    }
}
